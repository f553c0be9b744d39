"""Contradictions, levels, eigenvalues, references: each kind with and without the fault."""

import ast
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
import sympy
from sympy import Eq, cos, exp, pi, sin

import spindle as spd
from spindle.gallery.registry import GALLERY, gallery
from spindle.problem.consistency.checks import doubts, fatal

EXAMPLES = Path(__file__).parents[2] / "examples"
t, x, y, z = spd.coordinates("t x y z")
f = spd.unknown("f", x)
p, q = spd.unknown("p q", x, y)
s = spd.unknown("s", x, y, z)
u = spd.unknown("u", t, x)
LINE, SQUARE, STRIP = spd.Interval(x, 0, 1), spd.Box({x: (0, 1), y: (0, 2)}), spd.Box({t: (0, 1), x: (0, 1)})
CUBE, DISK = spd.Box({x: (0, 1), y: (0, 1), z: (0, 2)}), spd.Disk({x: 0, y: 0}, 1)
ELBOW = spd.Polygon((x, y), [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)])
LAPLACE = spd.laplacian(p)
SOLVED = sin(pi * x) * sin(pi * y / 2)

# ------------------------------------------------------------------------------------------------ contradictions

PAIRS = {
    "two values": ([spd.Dirichlet(p), spd.Dirichlet(p, 1, on="x=0")], SQUARE, "x=0"),
    "scaled": ([spd.Dirichlet(p), spd.Dirichlet(3 * p, 2 + x, on="x=0")], SQUARE, "x=0"),
    "where data differ on a part": ([spd.Dirichlet(p, y), spd.Dirichlet(p, y**2, on="x=1")], SQUARE, "x=1"),
    "two fluxes": (
        [spd.Neumann(p, 1, on="x=0"), spd.Neumann(p, 2, on="x=0"), spd.Dirichlet(p, on=["x=1", "y=0", "y=2"])],
        SQUARE,
        "x=0",
    ),
    "two Robins": ([spd.Robin(p, 1, 1, 0), spd.Robin(p, 2, 2, 1, on="y=0")], SQUARE, "y=0"),
    "on a disk": ([spd.Dirichlet(p), spd.Dirichlet(p, 1, on=x > 0.5)], DISK, "x > 0.5"),
    "two halves that overlap": (
        [spd.Dirichlet(p, 0, on=x < 0.3), spd.Dirichlet(p, x, on=x > -0.3)],
        DISK,
        "x < 0.3|x > -0.3",
    ),
    "on a polygon": ([spd.Dirichlet(p, x), spd.Dirichlet(p, 5, on=sympy.Eq(y, 0))], ELBOW, "y=0"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_two_values_at_one_place_are_fatal(name):
    conditions, domain, where = PAIRS[name]
    for order in (conditions, conditions[::-1]):
        (said,) = fatal(spd.Problem(domain=domain, equations=[LAPLACE], conditions=order))
        assert re.search(f"set different values on ({where}),", said)


AGREEING = {
    "the same twice": ([spd.Dirichlet(p, x), spd.Dirichlet(p, 0, on="x=0")], SQUARE),
    "scaled": ([spd.Dirichlet(p, x * y), spd.Dirichlet(2 * p, 2 * x * y, on="y=2")], SQUARE),
    "parts": ([spd.Dirichlet(p, 0, on=["x=0", "y=0", "y=2"]), spd.Dirichlet(p, 1, on="x=1")], SQUARE),
    "halves": ([spd.Dirichlet(p, 0, on=x < 0), spd.Dirichlet(p, 1, on=x >= 0)], DISK),
    "the same on a disk": ([spd.Dirichlet(p, x**2 + y**2), spd.Dirichlet(p, 1, on=x > 0.5)], DISK),
    "by a side and a relation": ([spd.Dirichlet(p, 2, on=sympy.Eq(y, 0)), spd.Dirichlet(p, x, on=y > 0)], ELBOW),
}


@pytest.mark.parametrize("name", AGREEING)
def test_values_that_agree_are_no_doubt(name):
    conditions, domain = AGREEING[name]
    assert doubts(spd.Problem(domain=domain, equations=[LAPLACE], conditions=conditions)) == []


def test_initial_values_hold_at_the_start_alone():
    walls, heat = spd.Dirichlet(u), u.diff(t) - u.diff(x, 2)
    running = spd.Problem(domain=STRIP, equations=[heat], conditions=[walls, spd.Initial(u, sin(pi * x) * exp(-t))])
    assert fatal(running) == []
    assert ["depends on t" in sentence for sentence in doubts(running)] == [True]
    exact = sin(pi * x) * exp(-(pi**2) * t)
    known = spd.Problem(domain=STRIP, equations=[heat], conditions=[walls, spd.Initial(u, exact)], reference={u: exact})
    assert doubts(known) == []


# --------------------------------------------------------------------------------------------------------- levels

# Domain, operator, conditions, a source that exceeds the flux, and the one that balances it.
LEVELS = {
    "line": (LINE, f.diff(x, 2), [spd.Neumann(f, 1)], -2, 2),
    "flux that varies": (
        SQUARE,
        LAPLACE,
        [spd.Neumann(p, y, on="x=1"), spd.Neumann(p, 0, on=["x=0", "y=0", "y=2"])],
        0,
        1,
    ),
    "variable coefficient": (
        LINE,
        spd.div((1 + x) * spd.grad(f)),
        [spd.Neumann(f, 3, on="x=1"), spd.Neumann(f, 0, on="x=0")],
        1,
        6,
    ),
    "scaled": (LINE, -4 * f.diff(x, 2), [spd.Neumann(2 * f, 4)], 2, -16),
    "periodic": (SQUARE, LAPLACE, [spd.Periodic(p, x), spd.Periodic(p, y)], 1, cos(pi * x) * y),
    "periodic along one axis": (SQUARE, LAPLACE, [spd.Periodic(p, x), spd.Neumann(p, 1, on=["y=0", "y=2"])], 3, 1),
    "space": (CUBE, spd.laplacian(s), [spd.Neumann(s, z)], 3, 5),
    "disk": (DISK, 3 * LAPLACE, [spd.Neumann(p, 2)], 4, 12),
    "disk by halves": (DISK, LAPLACE, [spd.Neumann(p, 1 + x, on=x > 0), spd.Neumann(p, 1 + x, on=x <= 0)], -2, 2 + x),
    "polygon": (ELBOW, LAPLACE, [spd.Neumann(p, 1)], 1, sympy.Rational(8, 3)),
}


@pytest.mark.parametrize("name", LEVELS)
def test_pure_fluxes_fix_no_level_and_must_balance(name):
    domain, operator, conditions, wrong, right = LEVELS[name]
    (said,) = doubts(spd.Problem(domain=domain, equations=[Eq(operator, right)], conditions=conditions))
    assert "fixed up to a constant" in said
    (said,) = fatal(spd.Problem(domain=domain, equations=[Eq(operator, wrong)], conditions=conditions))
    assert "so no solution exists" in said


SET = {
    "one value": [spd.Neumann(p, on=["x=0", "x=1", "y=0"]), spd.Dirichlet(p, on="y=2")],
    "Robin": [spd.Neumann(p, on=["x=0", "x=1", "y=0"]), spd.Robin(p, 1, 1, 0, on="y=2")],
    "a measurement": [spd.Neumann(p), spd.Observed(p, [[0.5, 0.5]], [1.0])],
}


@pytest.mark.parametrize("name", SET)
def test_a_level_that_is_set_is_no_doubt(name):
    assert doubts(spd.Problem(domain=SQUARE, equations=[Eq(LAPLACE, 1)], conditions=SET[name])) == []


def test_heat_in_an_insulated_bar_keeps_its_level():
    heat = Eq(u.diff(t), u.diff(x, 2) + x)
    assert doubts(spd.Problem(domain=STRIP, equations=[heat], conditions=[spd.Neumann(u), spd.Initial(u, x)])) == []
    assert doubts(spd.Problem(domain=SQUARE, equations=[LAPLACE - p], conditions=[spd.Neumann(p)])) == []


# ---------------------------------------------------------------------------------------------------- eigenvalues

ENDS = {
    "values": ([spd.Dirichlet(f)], pi**2 * 9),
    "fluxes": ([spd.Neumann(f)], pi**2 * 4),
    "one of each": ([spd.Dirichlet(f, on="x=0"), spd.Neumann(f, on="x=1")], pi**2 * sympy.Rational(9, 4)),
    "periodic": ([spd.Periodic(f, x)], 4 * pi**2),
}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("factor", [1, -3])
def test_a_resonance_on_a_line_is_fatal(name, factor):
    conditions, number = ENDS[name]

    def said(k):
        equation = factor * (f.diff(x, 2) + k * f) - sin(x)
        return fatal(spd.Problem(domain=LINE, equations=[equation], conditions=conditions))

    assert ["is an eigenvalue" in sentence for sentence in said(number)] == [True]
    assert said(number * 1.001) == said(-number) == []


@pytest.mark.parametrize(
    ("conditions", "number"),
    [
        ([spd.Dirichlet(p)], pi**2 * (4 + sympy.Rational(9, 4))),
        ([spd.Dirichlet(p, on=["x=0", "x=1"]), spd.Neumann(p, on=["y=0", "y=2"])], pi**2),
        ([spd.Periodic(p, x), spd.Dirichlet(p, on=["y=0", "y=2"])], pi**2 / 4),
    ],
)
def test_a_resonance_in_the_plane_is_fatal(conditions, number):
    for k, count in ((number, 1), (number + 0.01, 0)):
        for domain in (SQUARE, spd.Box({y: (0, 2), x: (0, 1)})):
            problem = spd.Problem(domain=domain, equations=[Eq(LAPLACE + k * p, 1)], conditions=conditions)
            assert len(fatal(problem)) == count


def test_a_resonance_with_anisotropy_and_a_parameter():
    k = spd.parameter("k", float(2 * pi**2 + 3 * pi**2 / 4))
    problem = spd.Problem(SQUARE, [2 * p.diff(x, 2) + 3 * p.diff(y, 2) + k * p - 1], [spd.Dirichlet(p)])
    assert ["is an eigenvalue" in sentence for sentence in fatal(problem)] == [True]


# ----------------------------------------------------------------------------------------------------- references

REFERENCES = {
    "Poisson": (
        SQUARE,
        [Eq(LAPLACE, -5 * pi**2 / 4 * SOLVED)],
        [spd.Dirichlet(p)],
        {p: SOLVED},
        {p: 2 * SOLVED},
        "equation",
    ),
    "its boundary": (
        SQUARE,
        [LAPLACE],
        [spd.Dirichlet(p, x * y)],
        {p: x * y},
        {p: x * y + 1},
        "condition `dirichlet p`",
    ),
    "heat": (
        STRIP,
        [u.diff(t) - u.diff(x, 2)],
        [spd.Dirichlet(u), spd.Initial(u, sin(pi * x))],
        {u: exp(-(pi**2) * t) * sin(pi * x)},
        {u: exp(-10 * t) * sin(pi * x)},
        "equation",
    ),
    "its start": (
        STRIP,
        [u.diff(t) - u.diff(x, 2)],
        [spd.Dirichlet(u), spd.Initial(u, sin(pi * x))],
        {u: exp(-(pi**2) * t) * sin(pi * x)},
        {u: exp(-4 * pi**2 * t) * sin(2 * pi * x)},
        "condition `initial u`",
    ),
    "a flux": (
        LINE,
        [f.diff(x, 2) - 2],
        [spd.Dirichlet(f, on="x=0"), spd.Neumann(f, 2, on="x=1")],
        {f: x**2},
        {f: x**2 + x},
        "condition `neumann f`",
    ),
    "a wall": (
        DISK,
        [LAPLACE - 4],
        [spd.Neumann(p, 2, on=x > 0), spd.Dirichlet(p, 1, on=x <= 0)],
        {p: x**2 + y**2},
        {p: 2 * x**2},
        "condition",
    ),
    "periodic": (
        SQUARE,
        [LAPLACE + pi**2 * p],
        [spd.Periodic(p, x), spd.Dirichlet(p, cos(pi * y), on=["y=0", "y=2"])],
        {p: cos(pi * y)},
        {p: sin(pi * x)},
        "condition",
    ),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_that_solves_something_else_is_a_light_doubt(name):
    domain, equations, conditions, right, wrong, said = REFERENCES[name]

    def remarks(reference, factor=1):
        scaled = [factor * (e.lhs - e.rhs if isinstance(e, sympy.Eq) else e) for e in equations]
        problem = spd.Problem(domain=domain, equations=scaled, conditions=conditions, reference=reference)
        return [sentence for sentence in doubts(problem) if "the reference of" in sentence]

    assert remarks(right) == remarks(right, 1e8) == []
    assert any(said in sentence for sentence in remarks(wrong))
    assert len(remarks(wrong)) == len(remarks(wrong, 1e-8))


def test_references_of_what_is_estimated_or_tabulated_are_left_alone():
    k = spd.parameter("k", 1.0, unknown=True)
    exact = exp(-0.2 * pi**2 * t) * sin(pi * x)
    conditions = [spd.Dirichlet(u), spd.Initial(u, sin(pi * x)), spd.Observed(u, [[0.5, 0.5]], [0.4])]
    assert doubts(spd.Problem(STRIP, [u.diff(t) - k * u.diff(x, 2)], conditions, reference={u: exact})) == []
    table = spd.GridReference({"x": np.linspace(0, 1, 4)}, np.ones(4))
    assert doubts(spd.Problem(LINE, [f.diff(x, 2)], [spd.Dirichlet(f)], reference={f: table})) == []


# ---------------------------------------------------------------------------------------------- nothing to be said

QUICK = sorted(
    set(GALLERY)
    - {"navier_stokes3d", "lid_driven_cavity", "poisson_holes", "convection_diffusion_reaction"}
    - {"advection_diffusion_family", "poisson_cad", "navier_stokes4d"}
)


@pytest.mark.parametrize("name", QUICK)
def test_the_gallery_is_beyond_doubt(name):
    assert doubts(gallery(name)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(GALLERY) - set(QUICK)))
def test_the_rest_of_the_gallery_is_beyond_doubt(name):
    assert doubts(gallery(name)) == []


def problems_of_the_documents():
    """Every `spd.Problem(...)` of README and documents, built as it stands there; what solves or shows is left out."""
    root, posed = Path(__file__).parents[2], []
    for page in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
        known: dict = {}
        for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for statement in ast.parse(block).body:
                source = ast.unparse(statement)
                if isinstance(statement, (ast.Import, ast.ImportFrom, ast.Assign)) and not re.search(
                    r"solve|load|family|solution|member|comparison|gallery", source
                ):
                    exec(source, known)
                    if ".Problem(" in source:
                        posed.append(known[statement.targets[0].id])
    return posed


def test_the_documents_and_the_examples_are_beyond_doubt():
    documents = problems_of_the_documents()
    assert len(documents) >= 10
    files = [spd.read_problem(path) for path in sorted(EXAMPLES.glob("*.toml"))]
    stating = [path for path in sorted(EXAMPLES.glob("*.py")) if "def problem(" in path.read_text(encoding="utf-8")]
    scripts = [runpy.run_path(str(path))["problem"]() for path in stating]
    for problem in [*documents, *files, *scripts]:
        assert doubts(problem) == []


def test_a_coefficient_beyond_all_numbers_is_looked_at_without_a_warning():
    """(2 + (1 + (200 x)^2)^465) overflows away from x = 0, and an infinity times no slope is no number."""
    u = spd.unknown("u", x, y)
    equation = Eq((((200 * x) ** 2 + 1) ** 465 + 2) * spd.laplacian(u), 1)
    assert fatal(spd.Problem(spd.Box({x: (0, 1), y: (0, 1)}), [equation], [spd.Dirichlet(u, 0)])) == []
