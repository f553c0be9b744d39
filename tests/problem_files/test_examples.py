"""Every example file is the problem that Python would write, and the cheap ones are solved."""

import json
import re
from pathlib import Path

import numpy as np
import pandas
import pytest
import sympy
import xarray
from sympy import (
    Abs,
    And,
    Eq,
    Float,
    I,
    Integral,
    Matrix,
    Or,
    Piecewise,
    Rational,
    Symbol,
    cos,
    cosh,
    erf,
    exp,
    pi,
    sin,
    sqrt,
)

import spindle as spd
from spindle.problem.serialize import problem_to_data

FOLDER = Path(__file__).parents[2] / "examples"
t, x, y = spd.coordinates("t x y")


def poisson():
    u = spd.unknown("u", x, y)
    exact = sin(pi * x) * sin(2 * pi * y)
    return spd.Problem(
        domain=spd.Box({x: (0, 1), y: (0, 1)}),
        equations=[Eq(-spd.laplacian(u), spd.manufactured(-spd.laplacian(u), {u: exact}))],
        conditions=[spd.Dirichlet(u, 0)],
        reference={u: exact},
        name="poisson",
        title="Poisson's equation on a square",
    )


def heat():
    u, k = spd.unknown("u", t, x), spd.parameter("k", 0.5)
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, pi / 2)}),
        equations={"heat": Eq(u.diff(t), k * u.diff(x, 2) + exp(-k * t) * sin(3 * x))},
        conditions=[
            spd.Initial(u, sin(x)),
            spd.Dirichlet(u, 0, on=Eq(x, 0)),
            spd.Neumann(u, 0, on=Eq(x, pi / 2)),
        ],
        reference={u: sin(x) * exp(-k * t) + sin(3 * x) * (exp(-k * t) - exp(-9 * k * t)) / (8 * k)},
        name="heat_bar",
        title="Heat in a bar",
    )


def kovasznay():
    u, v, p = spd.unknown("u v p", x, y)
    velocity, Re = Matrix([u, v]), spd.parameter("Re", 20)
    a = Re / 2 - sqrt(Re**2 / 4 + 4 * pi**2)
    exact = {
        u: 1 - exp(a * x) * cos(2 * pi * y),
        v: a * exp(a * x) * sin(2 * pi * y) / (2 * pi),
        p: (1 - exp(2 * (a * x))) / 2,
    }
    along = Matrix([spd.dot(velocity, spd.grad(u)), spd.dot(velocity, spd.grad(v))])
    return spd.Problem(
        domain=spd.Box({x: (-0.5, 1), y: (-0.5, 1.5)}),
        equations={
            "momentum": Eq(along + spd.grad(p), spd.laplacian(velocity) / Re),
            "continuity": Eq(spd.div(velocity), 0),
        },
        conditions=[spd.Dirichlet(Matrix([u, v, p]), [exact[u], exact[v], exact[p]])],
        reference=exact,
        quantities={"vorticity": spd.curl(velocity)},
        name="kovasznay",
        title="Kovasznay flow",
        citation="Kovasznay (1948), Math. Proc. Cambridge Philos. Soc. 44",
    )


def inverse():
    u, k = spd.unknown("u", t, x), spd.parameter("k", 1, unknown=True)
    times, places, values = np.loadtxt(FOLDER / "inverse.csv", delimiter=",", skiprows=1).T
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1)}),
        equations=[Eq(u.diff(t), k * u.diff(x, 2))],
        conditions=[
            spd.Initial(u, sin(pi * x)),
            spd.Dirichlet(u, 0),
            spd.Observed(u, {"t": times, "x": places}, values, noise=0.01),
        ],
        name="heat_inverse",
        title="A diffusivity from measurements",
    )


def layers():
    u = spd.unknown("u", x, y)
    with xarray.open_dataset(FOLDER / "layers.nc", engine="h5netcdf") as data:
        kappa = spd.tabulated("kappa", {x: data.x.values, y: data.y.values}, data.conductivity.values)
    return spd.Problem(
        domain=spd.Box({x: (0, 2), y: (0, 1)}),
        equations=[Eq(-spd.div(kappa * spd.grad(u)), 1)],
        conditions=[spd.Dirichlet(u, 0, on=[Eq(x, 0), Eq(x, 2)]), spd.Neumann(u, 0, on=[Eq(y, 0), Eq(y, 1)])],
        name="layers",
        title="A plate with a measured conductivity",
    )


def plate():
    u = spd.unknown("u", x, y)
    outline = spd.Polygon((x, y), [(0, 0), (2, 0), (2, 0.6), (1.6, 1), (0, 1)], name="plate")
    return spd.Problem(
        domain=outline - spd.Disk({x: 0.7, y: 0.5}, 0.25, name="hole"),
        equations=[Eq(spd.laplacian(u), -1)],
        conditions=[spd.Dirichlet(u, 0, on="plate"), spd.Robin(u, 2, 1, 0, on="hole")],
        name="plate",
        title="A plate with a hole",
    )


def cooled_window():
    u = spd.unknown("u", x, y)
    top = Eq(y, 1)
    insulated = [Or(Eq(x, 0), Eq(x, 1)), And(top, Or(x < 0.3, x > 0.7))]
    return spd.Problem(
        domain=spd.Box({x: (0, 1), y: (0, 1)}),
        equations=[Eq(spd.laplacian(u), 0)],
        conditions=[
            spd.Dirichlet(u, 1, on=Eq(y, 0)),
            spd.Robin(u, 2, 1, 0, on=And(top, x > 0.3, x < 0.7), name="window"),
            spd.Neumann(u, 0, on=insulated),
        ],
        name="cooled_window",
        title="A plate with a cooled window",
    )


def insulated_box():
    u, half = spd.unknown("u", x, y), Rational(1, 2)
    return spd.Problem(
        domain=spd.Box({x: (0, 1), y: (0, 1)}),
        equations=[Eq(-spd.laplacian(u), spd.point_source({x: half, y: half}, 0.05) - 1)],
        conditions=[spd.Neumann(u, 0), spd.Mean(u, 0)],
        name="insulated_box",
        title="A source in an insulated box",
    )


def renewal():
    u, s = spd.unknown("u", x), Symbol("s", real=True)
    again = Integral((x - s) * exp(-2 * (x - s)) * u.subs(x, s) * 4, (s, 0, x))
    return spd.Problem(
        domain=spd.Box({x: (0, 2)}),
        equations=[Eq(u, 4 * x * exp(-2 * x) + again)],
        reference={u: 1 - exp(-4 * x)},
        name="renewal",
        title="A renewal equation",
    )


def logger():
    u, k = spd.unknown("u", t, x), spd.parameter("k", 1, unknown=True)
    frame = pandas.read_csv(FOLDER / "logger.csv", sep=";", decimal=",")
    return spd.Problem(
        domain=spd.Box({t: (0, 0.5), x: (0, 1)}),
        equations=[Eq(u.diff(t), k * u.diff(x, 2))],
        conditions=[
            spd.Initial(u, sin(pi * x)),
            spd.Dirichlet(u, 0),
            spd.Observed(u, frame, noise=0.005, columns={t: "time [h]"}),
        ],
        name="logger",
        title="A rod and a data logger",
    )


def soliton():
    psi, c = spd.unknown("psi", t, x, complex=True), spd.parameter("c", 0.5)
    exact = exp(I * (c * x + t * (1 - c**2) / 2)) / cosh(x - c * t)
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (-5, 5)}),
        equations={"schroedinger": Eq(I * psi.diff(t) + psi.diff(x, 2) / 2 + Abs(psi) ** 2 * psi, 0)},
        conditions=[spd.Initial(psi, exp(I * c * x) / cosh(x)), spd.Dirichlet(psi, exact)],
        reference={psi: exact},
        quantities={"density": Abs(psi) ** 2},
        name="soliton",
        title="A soliton of the nonlinear Schroedinger equation",
        citation="Zakharov & Shabat (1972), Sov. Phys. JETP 34",
    )


def membrane():
    u, lam = spd.unknown("u", x, y), spd.parameter("lam", eigenvalue=True)
    return spd.Problem(
        domain=spd.Polygon((x, y), [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)], name="L"),
        equations=[Eq(-spd.laplacian(u), lam * u)],
        conditions=[spd.Dirichlet(u, 0)],
        name="membrane",
        title="Eigenvalues of an L-shaped membrane",
        citation="Trefethen & Betcke (2006), Contemp. Math. 412",
    )


def stefan():
    u, S, k = spd.unknown("u", t, x), spd.unknown("S", t), spd.parameter("k", 0.6200626333135953)
    exact = 1 - erf(k * x) / erf(k)
    return spd.Problem(
        domain=spd.Box({t: (0.1, 1), x: (0, 1)}),
        equations={"heat": Eq(S**2 * u.diff(t) - x * S * S.diff(t) * u.diff(x), u.diff(x, 2))},
        conditions=[
            spd.Initial(u, exact),
            spd.Initial(S, 2 * k * sqrt(Float(0.1))),
            spd.Dirichlet(u, 1, on=Eq(x, 0)),
            spd.Dirichlet(u, 0, on=Eq(x, 1)),
            spd.Dirichlet(S * S.diff(t) + u.diff(x), 0, on=Eq(x, 1), name="front"),
        ],
        reference={u: exact, S: 2 * k * sqrt(t)},
        name="stefan",
        title="A melting front, fixed at x = 1",
        citation="Neumann, in Carslaw & Jaeger (1959), Conduction of Heat in Solids; Landau (1950), Q. Appl. Math. 8",
    )


def contact():
    u, half = spd.unknown("u", x), Rational(1, 2)
    k, q = Piecewise((1, x < half), (3, True)), Rational(15, 13)
    return spd.Problem(
        domain=spd.Box({x: (0, 1)}),
        equations=[Eq(spd.div(k * spd.grad(u)), 0)],
        conditions=[spd.Dirichlet(u, x), spd.Interface(u, Eq(x, half), flux=k * u.diff(x), resistance=Rational(1, 5))],
        reference={u: Piecewise((q * x, x < half), (1 - sympy.Mul(q, 1 - x, Rational(1, 3)), True))},
        name="contact",
        title="A contact resistance between two rods",
    )


FILES = (
    *(poisson, heat, kovasznay, inverse, layers, plate, soliton, membrane, stefan, contact),
    *(cooled_window, insulated_box, renewal, logger),
)
WRITTEN = {made.__name__: made for made in FILES}


def plain(problem):
    """A problem as text, but for where it comes from, and its arrays as lists."""
    data, arrays = problem_to_data(problem)
    return json.dumps({k: v for k, v in data.items() if k != "origin"}, indent=1), {
        k: v.tolist() for k, v in arrays.items()
    }


@pytest.mark.parametrize("name", WRITTEN)
def test_a_file_is_the_problem_written_in_python(name):
    found, written = spd.read_problem(FOLDER / f"{name}.toml"), WRITTEN[name]()
    assert plain(found) == plain(written)
    assert str(found) == str(written)
    assert found.origin == (str(FOLDER / f"{name}.toml"), {})


def test_every_example_file_is_tested():
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(WRITTEN)


@pytest.mark.parametrize("document", ["README.md", "docs/problem-files.md"])
def test_files_shown_in_documents_are_read(tmp_path, document):
    blocks = re.findall(r"```toml\n(.*?)```", (FOLDER.parent / document).read_text(), re.DOTALL)
    whole = [block for block in blocks if "equations" in block]
    assert whole
    for block in whole:
        (tmp_path / "shown.toml").write_text(block)
        assert spd.read_problem(tmp_path / "shown.toml").conditions


def test_the_poisson_file_is_solved_to_many_digits():
    method = spd.SPINN(points=16, width=12, rank=1, newton_steps=20)
    assert spd.solve(spd.read_problem(FOLDER / "poisson.toml"), method, progress=False).error() < 1e-7


def test_values_of_parameters_are_exchanged():
    assert plain(spd.read_problem(FOLDER / "heat.toml", k=0.5)) == plain(heat())
    assert [p.value for p in spd.read_problem(FOLDER / "heat.toml", k=0.2).parameters] == [0.2]
    assert spd.read_problem(FOLDER / "heat.toml", k=0.2).origin == (str(FOLDER / "heat.toml"), {"k": 0.2})
    (start,) = spd.read_problem(FOLDER / "inverse.toml", k=3).parameters
    assert (start.value, start.unknown) == (3.0, True)
    with pytest.raises(spd.ProblemError, match=r"heat.toml has no parameter `nu`. There are: k"):
        spd.read_problem(FOLDER / "heat.toml", nu=1)
    with pytest.raises(spd.ProblemError, match=r"heat.toml, line 13, column 5: .* is not a finite number"):
        spd.read_problem(FOLDER / "heat.toml", k="many")
