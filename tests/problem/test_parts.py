"""Parts of the boundary: what they are, what is counted on them, and that solutions on them are right."""

import json

import numpy as np
import pytest
from sympy import And, Eq, Ne, Not, Or, cos, sqrt

import spindle as spd
from spindle.problem.consistency.checks import doubts
from spindle.problem.serialize import problem_from_data, problem_to_data

x, y, t = spd.coordinates("x y t")
u, w = spd.unknown("u", x, y), spd.unknown("w", t, x, y)
SQUARE = spd.Box({x: (0, 1), y: (0, 2)})
PLATE = SQUARE - spd.Disk({x: 0.5, y: 1}, 0.2, name="hole")
TOP, SIDES = Eq(y, 2), [Eq(x, 0), Eq(x, 1)]
PARTS = [
    x > 0.25,
    Ne(x, 0),
    And(TOP, x > 0.3, x < 0.7),
    Not(And(TOP, x > 0.3, x < 0.7)),
    Or(Eq(x, 0), And(TOP, x < 0.5)),
    And(abs(x - 0.5) < 0.2, y > 1),
    And(x**2 < 0.3, Not(Eq(y, 0))),
]


def posed(conditions, domain=SQUARE, **more):
    return spd.Problem(domain=domain, equations=[Eq(spd.laplacian(u), 0)], conditions=conditions, **more)


@pytest.mark.parametrize("on", PARTS, ids=str)
def test_a_part_and_the_rest_are_the_boundary(on):
    """Random points of the boundary lie on exactly the faces of a part where its relation is true."""
    part, rest = SQUARE.part(on), SQUARE.part(Not(on))
    assert sum(f.support.measure for f in (*part, *rest)) == pytest.approx(6)
    random = np.random.default_rng(0)
    for face in SQUARE.faces:
        low, high = np.array(face.bounds).T
        for point in low + (high - low) * random.uniform(size=(40, 2)):
            at = dict(zip((x, y), point.tolist(), strict=True)) | {(x, y)[face.axis]: face.value}
            holding = [f for f in part if all(a <= p <= b for (a, b), p in zip(f.bounds, at.values(), strict=True))]
            assert bool(holding) == bool(on.subs(at))


@pytest.mark.parametrize("on", [~spd.side("hole"), spd.side("hole") & (x > 0.5), Or(spd.side("hole"), TOP), *PARTS[:4]])
def test_a_part_and_the_rest_are_the_boundary_of_a_shape(on):
    (part,), (rest,) = PLATE.part(on), PLATE.part(Not(on))
    boundary = PLATE.boundary(0.01)
    assert (part.holds(*boundary.arrays) != rest.holds(*boundary.arrays)).all()
    assert part.measure + rest.measure == pytest.approx(PLATE.surface)


def test_a_small_part_of_a_shape_is_seen():
    (part,) = PLATE.part(And(Eq(y, 2), x > 0.5, x < 0.501))
    assert part.measure == pytest.approx(0.001, rel=0.3)


def test_gaps_and_overlaps_are_named():
    bottom, sides = spd.Dirichlet(u, 0, on=Eq(y, 0)), spd.Neumann(u, 0, on=SIDES)

    def said(*parts):
        return " ".join(doubts(posed([bottom, sides, *parts])))

    assert said(spd.Neumann(u, 0, on=And(TOP, x < 0.4)), spd.Dirichlet(u, 1, on=And(TOP, x > 0.4))) == ""
    gap = said(spd.Neumann(u, 0, on=And(TOP, x < 0.4)), spd.Dirichlet(u, 1, on=And(TOP, x > 0.6)))
    assert "across y=2 (0.4<x<0.6)" in gap and "on=And(Eq(y, 2), x > 0.4, x < 0.6)" in gap
    overlap = said(spd.Neumann(u, 0, on=And(TOP, x < 0.6)), spd.Dirichlet(u, 1, on=And(TOP, x > 0.4)))
    assert "all hold on y=2 (0.4<x<0.6)" in overlap
    clash = said(spd.Dirichlet(u, 0, on=And(TOP, x < 0.6)), spd.Dirichlet(u, 1, on=And(TOP, x > 0.4)))
    assert "set different values on" in clash


def test_overlaps_on_a_shape_are_named():
    hole, upper = spd.Dirichlet(u, 0, on="hole"), spd.Dirichlet(u, 0, on=~spd.side("hole"))
    assert doubts(posed([hole, upper], PLATE)) == []
    said = " ".join(doubts(posed([hole, upper, spd.Neumann(u, 0, on=spd.side("hole") & (x > 0.5))], PLATE)))
    assert "`dirichlet u`, `neumann u` all hold on" in said and "% of the boundary, near x = " in said


def test_parts_come_back_from_files():
    parts = [And(TOP, x > 0.3), ~spd.side("hole"), [Or(Eq(x, 0), Eq(x, 1)), And(spd.side("hole"), x > 0.5)]]
    problem = posed([spd.Dirichlet(u, k, on=on) for k, on in enumerate(parts)], PLATE)
    data, arrays = problem_to_data(problem)
    again = problem_from_data(json.loads(json.dumps(data)), arrays)
    assert [c.on for c in again.conditions] == [c.on for c in problem.conditions]
    assert again.pieces == problem.pieces


def test_a_factor_vanishes_on_whole_faces_only():
    problem = posed([spd.Dirichlet(u, 0, on=[Eq(x, 0), Eq(x, 1), Eq(y, 0)]), spd.Dirichlet(u, 0, on=And(TOP, x > 0.3))])
    roots = spd.SPINN(hard="all", network="spectral").plan(problem).constraints.roots[u]
    assert roots == (((0.0, 1), (1.0, 1)), ((0.0, 1),))


SMOOTH = cos(x) * (1 + y**2) / 5


def smooth(domain, **more):
    """A smooth solution, set by values on some parts and by slopes on others: nothing is singular."""
    slope = [spd.Neumann(u, SMOOTH.diff(y), on=And(TOP, x < 0.4)), spd.Dirichlet(u, SMOOTH, on=And(TOP, x > 0.4))]
    equation = Eq(spd.laplacian(u), SMOOTH.diff(x, 2) + SMOOTH.diff(y, 2))
    conditions = [*slope, spd.Dirichlet(u, SMOOTH, on=Not(TOP))]
    return spd.Problem(domain=domain, equations=[equation], conditions=conditions, reference={u: SMOOTH}, **more)


def test_a_smooth_solution_on_parts_comes_out_to_rounding():
    method = spd.SPINN(network="spectral", width=9, rank="full", refine=0)
    assert spd.solve(smooth(SQUARE), method, progress=False, estimate=False).error() < 1e-7


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["slope", "value"])
def test_singular_solutions_where_parts_meet_are_right(kind):
    """r^(1/2) cos(a/2), whose value vanishes on one half of a side and whose slope on the other; and a jump."""
    r = sqrt(x**2 + y**2)
    exact = sqrt((r + x) / 2)
    conditions = [
        spd.Dirichlet(u, exact, on=[Eq(x, -1), Eq(x, 1), Eq(y, 1)]),
        spd.Dirichlet(u, 0, on=And(Eq(y, 0), x < 0)),
        spd.Neumann(u, 0, on=And(Eq(y, 0), x > 0))
        if kind == "slope"
        else spd.Dirichlet(u, exact, on=And(Eq(y, 0), x > 0)),
    ]
    problem = posed(conditions, spd.Box({x: (-1, 1), y: (0, 1)}), reference={u: exact})
    assert spd.solve(problem, spd.SPINN(), progress=False, estimate=False).error() < 2e-4


@pytest.mark.slow
def test_a_cooled_window_in_a_side():
    """Against finite volumes on up to 800 x 800 cells, extrapolated."""
    conditions = [
        spd.Dirichlet(u, 1, on=Eq(y, 0)),
        spd.Robin(u, 2, 1, 0, on=And(Eq(y, 1), x > 0.3, x < 0.7)),
        spd.Neumann(u, 0, on=[*SIDES, And(Eq(y, 1), Or(x < 0.3, x > 0.7))]),
    ]
    solution = spd.solve(posed(conditions, spd.Box({x: (0, 1), y: (0, 1)})), spd.SPINN(), progress=False)
    assert solution(x=np.array([0.5, 0.1]), y=np.ones(2)) == pytest.approx([0.491354, 0.664514], abs=2e-4)
    assert solution.verdict.word == "solved"
