"""Where data jump, bend or peak is found whatever the shift, the scale and the order of what is written."""

import numpy as np
import pytest
import sympy
from sympy import Abs, Eq, Heaviside, Max, Piecewise, cosh, exp, floor, pi, sign, sin, tanh

import spindle as spd
from spindle.lowering.breaks import breaks, switches
from spindle.points.rules import panel_nodes, panels
from spindle.symbolic.functions import JUMPING

x, y = spd.coordinates("x y")
u = spd.unknown("u", x, y)


def posed(source, bounds=((0, 1), (0, 1)), **conditions):
    equation = Eq(-u.diff(x, 2) - u.diff(y, 2), source)
    return spd.Problem(
        domain=spd.Box(dict(zip((x, y), bounds, strict=True))), equations=[equation],
        conditions=[spd.Dirichlet(u, conditions.get("data", 0))],
    )  # fmt: skip


STRIP = Piecewise((10000, (x > 0.5137) & (x < 0.5138)), (0, True))
SWITCHES = {
    "strip": (STRIP, [0.5137, 0.5138], []),
    "other order": (Piecewise((0, (x <= 0.5137) | (x >= 0.5138)), (10000, True)), [0.5137, 0.5138], []),
    "distance": (Piecewise((1, Abs(x - 0.51371) < 1e-5), (0, True)), [0.5137, 0.51371, 0.51372], []),
    "product": (Piecewise((1, (x - 0.5137) * (x - 0.51375) < 0), (0, True)), [0.5137, 0.51375], []),
    "step": (Heaviside(x - 0.3) * sin(y), [0.3], []),
    "sign": (sign(y**2 - 0.25) + x, [], [0.5]),
    "stairs": (floor(5 * x), [0.2, 0.4, 0.6, 0.8], []),
    "bend": (Max(x, 0.3) + Abs(y - 0.6), [0.3], [0.6]),
    "within": (exp(-Abs(x - 0.25) * 3), [0.25], []),
    "both": (Piecewise((1, (x < 0.1) & (y > 0.2)), (2, x < 0.3), (3, True)), [0.1, 0.3], [0.2]),
    "oblique": (Piecewise((1, x > y), (0, True)), [], []),
    "smooth": (sin(pi * x) * exp(y), [], []),
    "wide": (exp(-20 * (x - 0.3) ** 2) + tanh(3 * y), [], []),
}


@pytest.mark.parametrize("name", SWITCHES)
def test_switches_in_the_text_are_breaks(name):
    source, along_x, along_y = SWITCHES[name]
    found = breaks(posed(source))
    np.testing.assert_allclose(found[0], along_x, atol=1e-9)
    np.testing.assert_allclose(found[1], along_y, atol=1e-9)


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1e-3), (-7.0, 1.0), (100.0, 40.0)])
@pytest.mark.parametrize("name", ["strip", "distance", "both"])
def test_breaks_follow_the_coordinates(name, shift, scale):
    source = SWITCHES[name][0]
    moved = source.xreplace({x: (x - sympy.Float(shift)) / scale, y: (y - sympy.Float(shift)) / scale})
    bounds = ((shift, shift + scale),) * 2
    for before, after in zip(breaks(posed(source)), breaks(posed(moved, bounds)), strict=True):
        np.testing.assert_allclose((np.array(after) - shift) / scale, before, atol=1e-7)


NARROW = {
    "bump": (exp(-(((x - 0.5137) / 1e-3) ** 2)), 1e-3 * np.sqrt(np.pi)),
    "needle": (exp(-(((x - 0.5137) / 1e-6) ** 2)), 1e-6 * np.sqrt(np.pi)),
    "point": (exp(-(((x - 0.5137) / 1e-4) ** 2) - ((y - 0.3) / 1e-4) ** 2), 1e-8 * np.pi),
    "two": (exp(-(((x - 0.2) / 1e-4) ** 2)) + exp(-(((y - 0.7) / 1e-4) ** 2)), 2e-4 * np.sqrt(np.pi)),
    "Lorentz": (1e-4 / ((x - 0.61234) ** 2 + 1e-8), np.arctan(1e4 * 0.38766) + np.arctan(1e4 * 0.61234)),
    "sech": (cosh(10000 * (x - 0.412)) ** -2, 2e-4),
    "corner": (exp(-x / 1e-5) * y, 0.5e-5),
    "power": ((1 - (x - 0.4) ** 2) ** 40_000, np.sqrt(np.pi / 40_000)),
}


@pytest.mark.parametrize("name", NARROW)
def test_peaks_are_integrated_on_the_panels(name):
    source, integral = NARROW[name]
    cut = breaks(posed(source))
    (nodes, own), (others, beside) = (panel_nodes(0.0, 1.0, 40, ends) for ends in cut)
    assert len(nodes) + len(others) < 400, "few panels do"
    with np.errstate(all="ignore"):
        values = sympy.lambdify((x, y), source)(nodes[:, None], others[None, :])
        found = own @ np.broadcast_to(values, (len(nodes), len(others))) @ beside
    assert found == pytest.approx(integral, rel=3e-2)


@pytest.mark.parametrize("function", [*JUMPING, Abs, Max], ids=lambda function: function.__name__)
def test_everything_that_jumps_or_bends_has_a_break_where_it_does(function):
    """All of them do where their argument vanishes, and nowhere else below one."""
    others = {sympy.Mod: (3,), Max: (0,)}.get(function, ())
    expression = function(x - 0.28, *others) + cosh(x)
    assert switches(expression, x, 0, 1) == pytest.approx([0.28])


def test_data_on_faces_break_their_axes():
    found = breaks(posed(0, data=Piecewise((1, (y > 0.4) & (y < 0.4001)), (0, True))))
    np.testing.assert_allclose(found[1], [0.4, 0.4001])
    assert found[0] == ()


def test_panels_integrate_piecewise_polynomials():
    ends = (0.2, 0.2001, 0.7)
    nodes, weights = panel_nodes(-1.0, 2.0, 30, ends)
    assert weights.sum() == pytest.approx(1)
    rng = np.random.default_rng(0)
    total, exact = 0.0, 0.0
    for low, high in panels(-1.0, 2.0, ends):
        own = np.polynomial.Polynomial(rng.normal(size=20))
        inside = (nodes > low) & (nodes < high)
        total += 3 * weights[inside] @ own(nodes[inside])
        exact += own.integ()(high) - own.integ()(low)
    assert total == pytest.approx(exact, rel=1e-12)
