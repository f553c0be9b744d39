"""The partial derivatives that expressions need, against those a reader would list."""

import pytest
import sympy
from sympy import Function, sin

import spindle as spd
from spindle.lowering.compile import array_function
from spindle.lowering.partials import LinearCombination, Partial, partials_in

t, x, y, z = spd.coordinates("t x y z")
c, q = spd.unknown("c q", t, x, y)
v = spd.vector("v", x, y)
f = spd.unknown("f", x, y, z)
kappa = spd.given("kappa", lambda x, y: x * y, x, y)

# expression, its unknowns, its coordinates, {unknown: derivatives in letters}: by hand
TABLE = {
    "burgers": (c.diff(t) + c * c.diff(x) - c.diff(x, 2) / 3, [c], (t, x, y), {0: ["", "t", "x", "xx"]}),
    "wave": (c.diff(t, 2) - spd.laplacian(c) + c**2, [c], (t, x, y), {0: ["", "tt", "xx", "yy"]}),
    "nonlinear diffusion": (spd.div((1 + c**2) * spd.grad(c)), [c], (t, x, y), {0: ["", "x", "y", "xx", "yy"]}),
    "coded coefficient": (spd.div(kappa * spd.grad(c)), [c], (t, x, y), {0: ["x", "y", "xx", "yy"]}),
    "biharmonic": (
        spd.laplacian(spd.laplacian(f)),
        [f],
        (x, y, z),
        {0: ["xxxx", "yyyy", "zzzz", "xxyy", "xxzz", "yyzz"]},
    ),
    "mixed": (f.diff(x, y, z) * f.diff(y, x), [f], (x, y, z), {0: ["xyz", "xy"]}),
    "curl": (spd.curl(v), list(v), (x, y), {0: ["y"], 1: ["x"]}),
    "divergence": (spd.div(v), list(v), (x, y), {0: ["x"], 1: ["y"]}),
    "vorticity": (
        spd.laplacian(spd.curl(v)) - spd.dot(v, spd.grad(spd.curl(v))),
        list(v),
        (x, y),
        {0: ["", "xy", "yy", "xxy", "yyy"], 1: ["", "xx", "xy", "xxx", "xyy"]},
    ),
    "two unknowns": (c.diff(t) - q * c.diff(x), [c, q], (t, x, y), {0: ["t", "x"], 1: [""]}),
    "inside a function": (sin(c.diff(y)) + sympy.Max(q, 0), [c, q], (t, x, y), {0: ["y"], 1: [""]}),
    "source": (sin(x) * y + kappa.diff(x), [c], (t, x, y), {}),
    "other order of coordinates": (c.diff(t, x, x), [c], (y, x, t), {0: ["txx"]}),
}


def listed(letters, coordinates):
    return tuple(letters.count(coordinate.name) for coordinate in coordinates)


@pytest.mark.parametrize("name", TABLE)
def test_partials_are_those_a_reader_would_list(name):
    expression, unknowns, coordinates, expected = TABLE[name]
    found = partials_in([expression], unknowns, coordinates)
    assert set(found) == {Partial(k, listed(one, coordinates)) for k, many in expected.items() for one in many}
    assert list(found) == sorted(found, key=lambda p: (p.unknown, p.total, p.orders))


@pytest.mark.parametrize("name", TABLE)
def test_compiled_functions_need_the_same_partials(name):
    """Combinations are sums of the same partials; none is needed that the expression does not contain."""
    expression, unknowns, coordinates, _ = TABLE[name]
    needs = array_function(expression, coordinates, unknowns).needs
    assert {p for need in needs for p, _ in need.terms} == set(partials_in([expression], unknowns, coordinates))
    assert all(p.unknown == need.unknown for need in needs for p, _ in need.terms)


@pytest.mark.parametrize(
    ("expression", "terms"),
    [
        (spd.laplacian(f) + sin(x), {"xx": 1.0, "yy": 1.0, "zz": 1.0}),
        (2 * f.diff(x) - f / 4 + x, {"x": 2.0, "": -0.25}),
        (x * (f.diff(x) - sympy.pi * f.diff(y)), {"x": 1.0, "y": -float(sympy.pi)}),
    ],
)
def test_fixed_sums_of_partials_are_one_need(expression, terms):
    (need,) = array_function(expression, (x, y, z), [f]).needs
    assert isinstance(need, LinearCombination)
    assert {p.orders: pytest.approx(value) for p, value in need.terms} == {
        listed(letters, (x, y, z)): value for letters, value in terms.items()
    }


k = Function("k")
REFUSED = {
    "unknown of other coordinates": (
        spd.unknown("f", x, y),
        r"contains `f\(x, y\)`, which is none of the problem's unknowns",
    ),
    "another unknown": (spd.unknown("g", x, y, z).diff(x), "which is none of the problem's unknowns"),
    "unexpanded flux": (
        (k(f) * f.diff(x)).diff(x),
        "could not expand into partial derivatives of the unknowns; write it out",
    ),
    "restricted derivative": (f.diff(x).subs(x, 0), "could not expand"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_partial_is_refused(name):
    expression, text = REFUSED[name]
    with pytest.raises(spd.ProblemError, match=f"(?s){text}".replace(" ", r"\s+")):
        partials_in([expression], [f], (x, y, z))
