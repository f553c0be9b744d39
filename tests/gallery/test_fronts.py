"""Fronts and layers: their closed forms hold inside the fronts, in double precision, and for any thickness."""

import mpmath
import numpy as np
import pytest
import sympy

import spindle as spd
from spindle.gallery.registry import gallery


def on_numbers(problem, expression):
    """An expression of the exact fields as a function of the coordinates, in double precision."""
    value = spd.manufactured(expression, problem.reference)
    return sympy.lambdify(
        [*problem.coordinates, *problem.parameters], value, ["numpy", {"erf": np.vectorize(mpmath.erf)}]
    )


def residual(problem, *places):
    """What the equation leaves on the exact field, over the size of its largest part."""
    (equation,) = problem.equations
    constants = [parameter.value for parameter in problem.parameters]
    whole = on_numbers(problem, equation.residual)(*places, *constants)
    parts = [on_numbers(problem, term)(*places, *constants) for term in equation.residual.expand().args]
    return np.abs(np.asarray(whole, float)) / np.max(
        np.abs(np.broadcast_arrays(*np.asarray(parts, object))).astype(float), axis=0
    )


@pytest.mark.parametrize("eps", [1e-6, 1e-3, 0.1, 1.0])
@pytest.mark.parametrize("side", ["right", "left", "middle"])
def test_layers_solve_their_equations_inside(side, eps):
    problem = gallery("boundary_layer", eps=eps, side=side)
    depth = np.geomspace(1e-3, 30, 40)
    places = {"right": 1 - eps * depth, "left": eps * depth, "middle": np.sqrt(eps) * (depth - 5)}[side]
    (low, high), *_ = problem.domain.bounds
    places = places[(places > float(low)) & (places < float(high))]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert residual(problem, places).max() < 1e-8


@pytest.mark.parametrize("side", ["right", "left", "middle"])
@pytest.mark.parametrize("eps", [1e-12, 1e-6, 0.5])
def test_layers_take_the_values_at_the_ends(side, eps):
    problem = gallery("boundary_layer", eps=eps, side=side)
    for condition in problem.conditions:
        for piece in condition.pieces(problem.domain):
            for face, expression in piece.terms:
                with np.errstate(over="raise", invalid="raise"):
                    left = on_numbers(problem, expression)(float(face.value), eps)
                assert abs(float(left)) < 1e-12


def test_two_fronts_keep_their_speeds_and_meet():
    problem = gallery("burgers_two_fronts", nu=2e-3)
    (u,) = problem.unknowns
    exact = on_numbers(problem, u)
    place = np.linspace(0, 1, 100_001)

    def where(t, level):
        return place[np.argmin(np.abs(exact(t, place, 2e-3) - level))]

    for t in (0.1, 0.3):
        assert where(t, 0.75) == pytest.approx(0.25 + 0.75 * t, abs=2e-3)
        assert where(t, 0.3) == pytest.approx(0.5 + 0.3 * t, abs=2e-3)
    # The strong front that remains moves at the mean of 1 and 1/10.
    assert where(0.95, 0.55) - where(0.75, 0.55) == pytest.approx(0.55 * 0.2, abs=2e-3)
    t = np.linspace(0, 1, 41)[:, None]
    with np.errstate(over="raise", invalid="raise"):
        assert residual(problem, t, place[::100]).max() < 1e-9


def test_the_moving_front_is_the_one_at_rest_seen_from_a_moving_frame():
    from spindle.reference.burgers import burgers

    t, x = [0.0, 0.25, 1.0], np.linspace(-1, 1, 65)
    moving = burgers(t=t, x=x, speed=0.5).values
    rest = burgers(t=t, x=np.linspace(-1, 1, 257)).values
    for row, still, time in zip(moving, rest, t, strict=True):
        # 0.5 t is a whole number of the finer steps, 1/128: shift and wrap.
        steps = round(0.5 * time * 128)
        shifted = np.roll(still[:-1], steps)
        np.testing.assert_allclose(row, 0.5 + np.append(shifted, shifted[0])[::4], atol=1e-10)
