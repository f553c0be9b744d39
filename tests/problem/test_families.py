"""Families as problems with further axes, and what is refused."""

import numpy as np
import pytest
import sympy
from sympy import Eq, exp, sin

import spindle as spd
from spindle.problem.families import checked_values, family_parameters, parameter_values, with_parameter_axes
from spindle.problem.serialize import problem_from_data, problem_to_data
from tests.families import convection, t, u, x

nu = spd.parameter("nu", range=(0.1, 2))
k = spd.parameter("k", 3.0)
TABLE = spd.GridReference({"x": np.linspace(0, 1, 3)}, np.zeros(3))


def rod(**more):
    v = spd.unknown("v", x)
    reference = {v: spd.FamilyReference([{"nu": 0.5}], [TABLE])}
    whole = {"equations": [Eq(nu * v.diff(x, 2), k * x)], "conditions": [spd.Dirichlet(v, nu)], "reference": reference}
    return spd.Problem(domain=spd.Box({x: (0, 1)}), **{**whole, **more})


def round_family():
    y = spd.coordinates("y")
    equation = Eq(nu * spd.laplacian(spd.unknown("v", x, y)), 1)
    return spd.Problem(domain=spd.Disk({x: 0, y: 0}, 1), equations=[equation])


def test_parameters_become_the_last_axes():
    wide = with_parameter_axes(rod())
    assert [str(c) for c in wide.coordinates] == ["x", "nu"] and wide.domain.bounds == ((0.0, 1.0), (0.1, 2.0))
    assert [p.name for p in wide.parameters] == ["k"] and [p.name for p in family_parameters(wide)] == ["nu"]
    assert with_parameter_axes(wide) is wide


def test_no_condition_holds_at_the_ends_of_a_parameter():
    faces = [
        face.name
        for c in with_parameter_axes(rod()).conditions
        for p in c.pieces(with_parameter_axes(rod()).domain)
        for face, _ in p.terms
    ]
    assert faces == ["x=0", "x=1"]


def test_unions_of_boxes_get_axes_too():
    v = spd.unknown("v", t, x)
    domain = spd.Box({t: (0, 1), x: (0, 1)}) | spd.Box({t: (0, 2), x: (1, 2)})
    wide = with_parameter_axes(spd.Problem(domain=domain, equations=[Eq(v.diff(t), nu * v.diff(x, 2))], conditions=[]))
    assert len(wide.domain.boxes) == 2 and all(box[2] == (0.1, 2.0) for box in wide.domain.boxes)


def test_the_equation_is_that_of_every_member():
    """The residual of the wide problem, taken at a parameter, is the residual of that member."""
    problem = convection()
    wide, member = with_parameter_axes(problem), problem.at(beta=1.3)
    beta = family_parameters(wide)[0]
    w, shape = spd.unknown("w", t, x), sin(x) * exp(-t)
    own = wide.equations[0].residual.subs(wide.unknowns[0], shape).doit().subs(beta, sympy.Float(1.3))
    other = member.equations[0].residual.subs(member.unknowns[0], shape).doit()
    values = {p: p.value for p in other.atoms(type(beta))}
    at = {t: 0.3, x: 0.7}
    assert abs(float(own.subs(at)) - float(other.xreplace(values).subs(at))) < 1e-14
    assert w != u


def test_tabulated_members_are_references_of_their_members():
    problem = rod()
    assert problem.at(nu=0.5).reference == {problem.unknowns[0]: TABLE}
    assert problem.at(nu=0.6).reference == {}


def test_a_family_comes_back_from_its_data():
    for problem in (rod(), with_parameter_axes(rod()), convection()):
        data, arrays = problem_to_data(problem)
        again = problem_from_data(data, arrays)
        assert problem_to_data(again)[0] == data and [p.bounds for p in family_parameters(again)] == [
            p.bounds for p in family_parameters(problem)
        ]


def test_values_by_name_broadcast():
    two = spd.Problem(
        domain=spd.Box({x: (0, 1)}),
        equations=[Eq(nu * spd.unknown("v", x).diff(x, 2), spd.parameter("a", range=(0, 1)))],
    )
    rows = parameter_values(two, {"nu": [1, 2], "a": 0.5}, "family")
    np.testing.assert_array_equal(rows, [[0.5, 1], [0.5, 2]])


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: with_parameter_axes(round_family()), "are solved on boxes so far"),
        (
            lambda: with_parameter_axes(rod(conditions=[spd.Observed(spd.unknown("v", x), [[0.5]], [1.0])])),
            "belongs to one member",
        ),
        (lambda: parameter_values(rod(), {"mu": 1}, "family"), "has no such parameter"),
        (lambda: parameter_values(rod(), {}, "family"), "was given no value for nu"),
        (lambda: parameter_values(rod(), {"nu": "a"}, "family"), "are no numbers"),
        (lambda: checked_values(rod(), [[1, 2]], "family"), r"of shape \(1, 2\)"),
        (lambda: checked_values(rod(), [np.nan], "family"), "1 of them not finite"),
        (lambda: spd.FamilyReference([], []), "needs at least one member"),
        (lambda: spd.FamilyReference([{"a": 1}, {"b": 1}], [TABLE, TABLE]), "the same parameters for each"),
    ],
)  # fmt: skip
def test_refusals(ask, words):
    with pytest.raises(spd.ProblemError, match=words):
        ask()


@pytest.mark.slow
def test_every_method_for_boxes_takes_a_family():
    """SPINN represents sin(x - beta t) to many digits over a whole range of speeds."""
    problem = convection()
    solution = spd.solve(problem, spd.SPINN(rank=24, width=12, newton_steps=15), progress=False)
    assert solution.error() < 1e-3
    assert abs(float(solution(t=0.5, x=1.0, beta=1.7)) - (1 + np.sin(1 - 0.85))) < 5e-3
    with pytest.raises(spd.MethodError, match="solves one problem at a time"):
        spd.solve(problem, spd.DTPINN())
