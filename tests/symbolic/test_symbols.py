"""Coordinates, unknowns, parameters and given functions."""

import copy
import pickle

import pytest
import sympy

import spindle as spd
from spindle.symbolic.symbols import is_given, is_time, unknown_of, unknowns_in

t, x, y = spd.coordinates("t x y")


def test_coordinates_are_real_and_t_is_time():
    assert all(c.is_real for c in (t, x, y))
    assert [is_time(c) for c in (t, x, y)] == [True, False, False]


def test_unknown_is_an_applied_function_that_sympy_differentiates():
    u = spd.unknown("u", t, x)
    assert u.args == (t, x)
    assert u.diff(x, t) == u.diff(t, x) != 0
    assert u.diff(y) == 0


def test_several_unknowns_come_as_a_tuple():
    u, v = spd.unknown("u, v", x, y)
    assert (u.func.__name__, v.func.__name__) == ("u", "v")
    assert u != v


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (spd.vector("v", t, x, y), ["v_x", "v_y"]),
        (spd.vector("v", x, y, components=spd.coordinates("r s q")), ["v_r", "v_s", "v_q"]),
    ],
)
def test_vector_has_one_component_for_each_space_coordinate(made, names):
    assert made.shape == (len(names), 1)
    assert [component.func.__name__ for component in made] == names


@pytest.mark.parametrize(
    ("parameter", "value", "unknown", "bounds"),
    [
        (spd.parameter("nu", 0.01), 0.01, False, None),
        (spd.parameter("nu", sympy.Rational(1, 4)), 0.25, False, None),
        (spd.parameter("nu", 0.01, unknown=True), 0.01, True, None),
        (spd.parameter("nu", range=(1, 3)), None, False, (1.0, 3.0)),
        (spd.parameter("nu", 2, range=(1, 3)), 2.0, False, (1.0, 3.0)),
    ],
    ids=["constant", "exact constant", "estimated", "family", "family with a member"],
)
def test_parameter_has_three_uses(parameter, value, unknown, bounds):
    assert (parameter.name, parameter.value, parameter.unknown, parameter.bounds) == ("nu", value, unknown, bounds)
    assert parameter.is_real
    for twin in (copy.deepcopy(parameter), pickle.loads(pickle.dumps(parameter))):
        assert twin == parameter
        assert (twin.value, twin.unknown, twin.bounds) == (value, unknown, bounds)


def test_parameters_of_one_name_differ_by_use_and_value():
    made = [
        spd.parameter("nu", 0.01),
        spd.parameter("nu", 0.02),
        spd.parameter("nu", 0.01, unknown=True),
        spd.parameter("nu", range=(0, 1)),
        sympy.Symbol("nu", real=True),
    ]
    assert len(set(made)) == len(made)
    assert spd.parameter("nu", 0.01) == made[0]


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        (["nu"], {}, r"`spd.parameter\(\"nu\"\)` has neither a value nor a range"),
        (["nu", float("nan")], {}, "not a finite number"),
        (["nu", float("inf")], {}, "not a finite number"),
        (["nu", x], {}, "not a finite number"),
        (["nu", 1j], {}, "not a finite number"),
        (["nu", "big"], {}, "not a finite number"),
        (["nu"], {"range": (3, 1)}, "low < high"),
        (["nu"], {"range": (1, 1)}, "low < high"),
        (["nu"], {"range": (0, sympy.oo)}, "two finite numbers"),
        (["nu"], {"range": (1,)}, "two finite numbers"),
        (["nu"], {"range": 3}, "two finite numbers"),
        ([3, 1.0], {}, "`spd.parameter` was given 3, which names nothing"),
        (["nu"], {"range": (0, 1), "unknown": True}, "not also unknown"),
        (["nu", 7], {"range": (0, 1)}, "outside its own range"),
    ],
)
def test_parameter_explains_what_it_cannot_use(arguments, options, text):
    with pytest.raises(spd.ProblemError, match=text):
        spd.parameter(*arguments, **options)


@pytest.mark.parametrize("call", [lambda *c: spd.unknown("u", *c), lambda *c: spd.vector("u", *c)])
@pytest.mark.parametrize("coordinates", [(), ("x",), (x, 1)])
def test_fields_need_symbols_to_depend_on(call, coordinates):
    with pytest.raises(spd.ProblemError, match="needs at least one symbol to depend on; write `x, y"):
        call(*coordinates)


def test_given_is_a_function_but_no_unknown():
    u, kappa = spd.unknown("u", x), spd.given("kappa", lambda x: x, x)
    assert is_given(kappa)
    assert not is_given(u)
    assert unknowns_in(kappa * u.diff(x) + kappa.diff(x)) == [u]


def test_partials_of_an_unknown_lead_back_to_it_and_nothing_else_does():
    u, kappa = spd.unknown("u", x), spd.given("kappa", lambda x: x, x)
    assert all(unknown_of(node) == u for node in (u, u.diff(x), u.diff(x, 3)))
    others = (x, kappa, kappa.diff(x), 2 * u, u**2, sympy.Derivative(kappa * u, x), sympy.Integer(1))
    assert all(unknown_of(node) is None for node in others)


def test_given_needs_code():
    with pytest.raises(spd.ProblemError, match=r"`spd.given\(\"kappa\", 3, ...\)` needs a function"):
        spd.given("kappa", 3, x)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: spd.coordinates(3), "`spd.coordinates` was given 3, which names nothing"),
        (lambda: spd.coordinates(""), "`spd.coordinates` was given '', which names nothing"),
        (lambda: spd.unknown("", x), "`spd.unknown` was given '', which names nothing; a name is text"),
        (lambda: spd.unknown(3, x), "`spd.unknown` was given 3, which names nothing"),
        (lambda: spd.coordinates("x y x"), 'coordinates\\("x y x"\\)` names `x` twice'),
        (lambda: spd.unknown("u u", x), "names `u` twice"),
        (lambda: spd.unknown("u", x, x), 'unknown\\("u", x, x\\)` names `x` twice, and both would be one'),
    ],
)
def test_names_are_text_and_come_once(call, text):
    with pytest.raises(spd.ProblemError, match=text):
        call()
