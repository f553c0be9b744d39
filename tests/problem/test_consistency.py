"""Contradictions, levels, eigenvalues, references: each kind with and without the fault."""

import ast
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
import sympy
from sympy import Eq, cos, exp, pi, sin

import spindle as sp
from spindle.gallery.registry import GALLERY, gallery
from spindle.problem.consistency.checks import doubts, fatal

EXAMPLES = Path(__file__).parents[2] / "examples"
t, x, y, z = sp.coordinates("t x y z")
f = sp.unknown("f", x)
p, q = sp.unknown("p q", x, y)
s = sp.unknown("s", x, y, z)
u = sp.unknown("u", t, x)
LINE, SQUARE, STRIP = sp.Interval(x, 0, 1), sp.Box({x: (0, 1), y: (0, 2)}), sp.Box({t: (0, 1), x: (0, 1)})
CUBE, DISK = sp.Box({x: (0, 1), y: (0, 1), z: (0, 2)}), sp.Disk({x: 0, y: 0}, 1)
ELBOW = sp.Polygon((x, y), [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)])
LAPLACE = sp.laplacian(p)
SOLVED = sin(pi * x) * sin(pi * y / 2)

# ------------------------------------------------------------------------------------------------ contradictions

PAIRS = {
    "two values": ([sp.Dirichlet(p), sp.Dirichlet(p, 1, on="x=0")], SQUARE, "x=0"),
    "scaled": ([sp.Dirichlet(p), sp.Dirichlet(3 * p, 2 + x, on="x=0")], SQUARE, "x=0"),
    "where data differ on a part": ([sp.Dirichlet(p, y), sp.Dirichlet(p, y**2, on="x=1")], SQUARE, "x=1"),
    "two fluxes": (
        [sp.Neumann(p, 1, on="x=0"), sp.Neumann(p, 2, on="x=0"), sp.Dirichlet(p, on=["x=1", "y=0", "y=2"])],
        SQUARE,
        "x=0",
    ),
    "two Robins": ([sp.Robin(p, 1, 1, 0), sp.Robin(p, 2, 2, 1, on="y=0")], SQUARE, "y=0"),
    "on a disk": ([sp.Dirichlet(p), sp.Dirichlet(p, 1, on=x > 0.5)], DISK, "x > 0.5"),
    "two halves that overlap": (
        [sp.Dirichlet(p, 0, on=x < 0.3), sp.Dirichlet(p, x, on=x > -0.3)],
        DISK,
        "x < 0.3|x > -0.3",
    ),
    "on a polygon": ([sp.Dirichlet(p, x), sp.Dirichlet(p, 5, on=sympy.Eq(y, 0))], ELBOW, "y=0"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_two_values_at_one_place_are_fatal(name):
    conditions, domain, where = PAIRS[name]
    for order in (conditions, conditions[::-1]):
        (said,) = fatal(sp.Problem(domain=domain, equations=[LAPLACE], conditions=order))
        assert re.search(f"set different values on ({where}),", said)


AGREEING = {
    "the same twice": ([sp.Dirichlet(p, x), sp.Dirichlet(p, 0, on="x=0")], SQUARE),
    "scaled": ([sp.Dirichlet(p, x * y), sp.Dirichlet(2 * p, 2 * x * y, on="y=2")], SQUARE),
    "parts": ([sp.Dirichlet(p, 0, on=["x=0", "y=0", "y=2"]), sp.Dirichlet(p, 1, on="x=1")], SQUARE),
    "halves": ([sp.Dirichlet(p, 0, on=x < 0), sp.Dirichlet(p, 1, on=x >= 0)], DISK),
    "the same on a disk": ([sp.Dirichlet(p, x**2 + y**2), sp.Dirichlet(p, 1, on=x > 0.5)], DISK),
    "by a side and a relation": ([sp.Dirichlet(p, 2, on=sympy.Eq(y, 0)), sp.Dirichlet(p, x, on=y > 0)], ELBOW),
}


@pytest.mark.parametrize("name", AGREEING)
def test_values_that_agree_are_no_doubt(name):
    conditions, domain = AGREEING[name]
    assert doubts(sp.Problem(domain=domain, equations=[LAPLACE], conditions=conditions)) == []


def test_initial_values_hold_at_the_start_alone():
    walls, heat = sp.Dirichlet(u), u.diff(t) - u.diff(x, 2)
    running = sp.Problem(domain=STRIP, equations=[heat], conditions=[walls, sp.Initial(u, sin(pi * x) * exp(-t))])
    assert fatal(running) == []
    assert ["depends on t" in sentence for sentence in doubts(running)] == [True]
    exact = sin(pi * x) * exp(-(pi**2) * t)
    known = sp.Problem(domain=STRIP, equations=[heat], conditions=[walls, sp.Initial(u, exact)], reference={u: exact})
    assert doubts(known) == []


# --------------------------------------------------------------------------------------------------------- levels

# Domain, operator, conditions, a source that exceeds the flux, and the one that balances it.
LEVELS = {
    "line": (LINE, f.diff(x, 2), [sp.Neumann(f, 1)], -2, 2),
    "flux that varies": (
        SQUARE,
        LAPLACE,
        [sp.Neumann(p, y, on="x=1"), sp.Neumann(p, 0, on=["x=0", "y=0", "y=2"])],
        0,
        1,
    ),
    "variable coefficient": (
        LINE,
        sp.div((1 + x) * sp.grad(f)),
        [sp.Neumann(f, 3, on="x=1"), sp.Neumann(f, 0, on="x=0")],
        1,
        6,
    ),
    "scaled": (LINE, -4 * f.diff(x, 2), [sp.Neumann(2 * f, 4)], 2, -16),
    "periodic": (SQUARE, LAPLACE, [sp.Periodic(p, x), sp.Periodic(p, y)], 1, cos(pi * x) * y),
    "periodic along one axis": (SQUARE, LAPLACE, [sp.Periodic(p, x), sp.Neumann(p, 1, on=["y=0", "y=2"])], 3, 1),
    "space": (CUBE, sp.laplacian(s), [sp.Neumann(s, z)], 3, 5),
    "disk": (DISK, 3 * LAPLACE, [sp.Neumann(p, 2)], 4, 12),
    "disk by halves": (DISK, LAPLACE, [sp.Neumann(p, 1 + x, on=x > 0), sp.Neumann(p, 1 + x, on=x <= 0)], -2, 2 + x),
    "polygon": (ELBOW, LAPLACE, [sp.Neumann(p, 1)], 1, sympy.Rational(8, 3)),
}


@pytest.mark.parametrize("name", LEVELS)
def test_pure_fluxes_fix_no_level_and_must_balance(name):
    domain, operator, conditions, wrong, right = LEVELS[name]
    (said,) = doubts(sp.Problem(domain=domain, equations=[Eq(operator, right)], conditions=conditions))
    assert "fixed up to a constant" in said
    (said,) = fatal(sp.Problem(domain=domain, equations=[Eq(operator, wrong)], conditions=conditions))
    assert "so no solution exists" in said


SET = {
    "one value": [sp.Neumann(p, on=["x=0", "x=1", "y=0"]), sp.Dirichlet(p, on="y=2")],
    "Robin": [sp.Neumann(p, on=["x=0", "x=1", "y=0"]), sp.Robin(p, 1, 1, 0, on="y=2")],
    "a measurement": [sp.Neumann(p), sp.Observed(p, [[0.5, 0.5]], [1.0])],
}


@pytest.mark.parametrize("name", SET)
def test_a_level_that_is_set_is_no_doubt(name):
    assert doubts(sp.Problem(domain=SQUARE, equations=[Eq(LAPLACE, 1)], conditions=SET[name])) == []


def test_heat_in_an_insulated_bar_keeps_its_level():
    heat = Eq(u.diff(t), u.diff(x, 2) + x)
    assert doubts(sp.Problem(domain=STRIP, equations=[heat], conditions=[sp.Neumann(u), sp.Initial(u, x)])) == []
    assert doubts(sp.Problem(domain=SQUARE, equations=[LAPLACE - p], conditions=[sp.Neumann(p)])) == []


# ---------------------------------------------------------------------------------------------------- eigenvalues

ENDS = {
    "values": ([sp.Dirichlet(f)], pi**2 * 9),
    "fluxes": ([sp.Neumann(f)], pi**2 * 4),
    "one of each": ([sp.Dirichlet(f, on="x=0"), sp.Neumann(f, on="x=1")], pi**2 * sympy.Rational(9, 4)),
    "periodic": ([sp.Periodic(f, x)], 4 * pi**2),
}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("factor", [1, -3])
def test_a_resonance_on_a_line_is_fatal(name, factor):
    conditions, number = ENDS[name]

    def said(k):
        equation = factor * (f.diff(x, 2) + k * f) - sin(x)
        return fatal(sp.Problem(domain=LINE, equations=[equation], conditions=conditions))

    assert ["is an eigenvalue" in sentence for sentence in said(number)] == [True]
    assert said(number * 1.001) == said(-number) == []


@pytest.mark.parametrize(
    ("conditions", "number"),
    [
        ([sp.Dirichlet(p)], pi**2 * (4 + sympy.Rational(9, 4))),
        ([sp.Dirichlet(p, on=["x=0", "x=1"]), sp.Neumann(p, on=["y=0", "y=2"])], pi**2),
        ([sp.Periodic(p, x), sp.Dirichlet(p, on=["y=0", "y=2"])], pi**2 / 4),
    ],
)
def test_a_resonance_in_the_plane_is_fatal(conditions, number):
    for k, count in ((number, 1), (number + 0.01, 0)):
        for domain in (SQUARE, sp.Box({y: (0, 2), x: (0, 1)})):
            problem = sp.Problem(domain=domain, equations=[Eq(LAPLACE + k * p, 1)], conditions=conditions)
            assert len(fatal(problem)) == count


def test_a_resonance_with_anisotropy_and_a_parameter():
    k = sp.parameter("k", float(2 * pi**2 + 3 * pi**2 / 4))
    problem = sp.Problem(SQUARE, [2 * p.diff(x, 2) + 3 * p.diff(y, 2) + k * p - 1], [sp.Dirichlet(p)])
    assert ["is an eigenvalue" in sentence for sentence in fatal(problem)] == [True]


# ----------------------------------------------------------------------------------------------------- references

REFERENCES = {
    "Poisson": (
        SQUARE,
        [Eq(LAPLACE, -5 * pi**2 / 4 * SOLVED)],
        [sp.Dirichlet(p)],
        {p: SOLVED},
        {p: 2 * SOLVED},
        "equation",
    ),
    "its boundary": (
        SQUARE,
        [LAPLACE],
        [sp.Dirichlet(p, x * y)],
        {p: x * y},
        {p: x * y + 1},
        "condition `dirichlet p`",
    ),
    "heat": (
        STRIP,
        [u.diff(t) - u.diff(x, 2)],
        [sp.Dirichlet(u), sp.Initial(u, sin(pi * x))],
        {u: exp(-(pi**2) * t) * sin(pi * x)},
        {u: exp(-10 * t) * sin(pi * x)},
        "equation",
    ),
    "its start": (
        STRIP,
        [u.diff(t) - u.diff(x, 2)],
        [sp.Dirichlet(u), sp.Initial(u, sin(pi * x))],
        {u: exp(-(pi**2) * t) * sin(pi * x)},
        {u: exp(-4 * pi**2 * t) * sin(2 * pi * x)},
        "condition `initial u`",
    ),
    "a flux": (
        LINE,
        [f.diff(x, 2) - 2],
        [sp.Dirichlet(f, on="x=0"), sp.Neumann(f, 2, on="x=1")],
        {f: x**2},
        {f: x**2 + x},
        "condition `neumann f`",
    ),
    "a wall": (
        DISK,
        [LAPLACE - 4],
        [sp.Neumann(p, 2, on=x > 0), sp.Dirichlet(p, 1, on=x <= 0)],
        {p: x**2 + y**2},
        {p: 2 * x**2},
        "condition",
    ),
    "periodic": (
        SQUARE,
        [LAPLACE + pi**2 * p],
        [sp.Periodic(p, x), sp.Dirichlet(p, cos(pi * y), on=["y=0", "y=2"])],
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
        problem = sp.Problem(domain=domain, equations=scaled, conditions=conditions, reference=reference)
        return [sentence for sentence in doubts(problem) if "the reference of" in sentence]

    assert remarks(right) == remarks(right, 1e8) == []
    assert any(said in sentence for sentence in remarks(wrong))
    assert len(remarks(wrong)) == len(remarks(wrong, 1e-8))


def test_references_of_what_is_estimated_or_tabulated_are_left_alone():
    k = sp.parameter("k", 1.0, unknown=True)
    exact = exp(-0.2 * pi**2 * t) * sin(pi * x)
    conditions = [sp.Dirichlet(u), sp.Initial(u, sin(pi * x)), sp.Observed(u, [[0.5, 0.5]], [0.4])]
    assert doubts(sp.Problem(STRIP, [u.diff(t) - k * u.diff(x, 2)], conditions, reference={u: exact})) == []
    table = sp.GridReference({"x": np.linspace(0, 1, 4)}, np.ones(4))
    assert doubts(sp.Problem(LINE, [f.diff(x, 2)], [sp.Dirichlet(f)], reference={f: table})) == []


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
    """Every `sp.Problem(...)` of README and documents, built as it stands there; what solves or shows is left out."""
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
    files = [sp.read_problem(path) for path in sorted(EXAMPLES.glob("*.toml"))]
    stating = [path for path in sorted(EXAMPLES.glob("*.py")) if "def problem(" in path.read_text(encoding="utf-8")]
    scripts = [runpy.run_path(str(path))["problem"]() for path in stating]
    for problem in [*documents, *files, *scripts]:
        assert doubts(problem) == []


def test_a_coefficient_beyond_all_numbers_is_looked_at_without_a_warning():
    """(2 + (1 + (200 x)^2)^465) overflows away from x = 0, and an infinity times no slope is no number."""
    u = sp.unknown("u", x, y)
    equation = Eq((((200 * x) ** 2 + 1) ** 465 + 2) * sp.laplacian(u), 1)
    assert fatal(sp.Problem(sp.Box({x: (0, 1), y: (0, 1)}), [equation], [sp.Dirichlet(u, 0)])) == []
