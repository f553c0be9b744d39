"""Balls in more than three dimensions: measures, points, and what is refused."""

import numpy as np
import pytest
from sympy import Eq, cos, exp

import spindle as sp
from spindle.points.cloud import Cloud

t, *SPACE = sp.coordinates("t a b c d e f")


@pytest.mark.parametrize(
    ("d", "volume", "surface"), [(4, np.pi**2 / 2, 2 * np.pi**2), (5, 8 * np.pi**2 / 15, 8 * np.pi**2 / 3)]
)
def test_measures_are_those_of_the_textbook(d, volume, surface):
    ball = sp.Ball(dict.fromkeys(SPACE[:d], 1.0), 2)
    assert ball.volume == pytest.approx(volume * 2**d)
    assert ball.surface == pytest.approx(surface * 2 ** (d - 1))
    assert ball == sp.Ball(dict.fromkeys(SPACE[:d], 1.0), 2)


def test_points_fill_the_ball_and_its_sphere_evenly():
    domain = sp.Ball(dict.fromkeys(SPACE[:5], 0.0), 1) * sp.Interval(t, 0, 1)
    (inside,), (wall,) = domain.regions, domain.part(None)
    cloud = Cloud((inside, wall), (0, 1), interior=2_000, boundary=1_000, rule="sobol")
    points, edge = map(np.asarray, cloud.draw(None))
    assert points.shape == (2_000, 6)
    radius = np.linalg.norm(points[:, :5], axis=1)
    # Of a ball in five dimensions half lies within 2^(-1/5) of the radius, and the mean square is 5/7.
    assert np.mean(radius < 0.5**0.2) == pytest.approx(0.5, abs=0.03)
    assert np.mean(radius**2) == pytest.approx(5 / 7, rel=0.02)
    np.testing.assert_allclose(np.linalg.norm(edge[:, :5], axis=1), 1)
    np.testing.assert_allclose(edge[:, 6:], edge[:, :5])
    np.testing.assert_allclose(np.mean(edge[:, :5, None] * edge[:, None, :5], axis=0), np.eye(5) / 5, atol=0.03)


def test_what_needs_nodes_or_an_outline_is_refused():
    ball = sp.Ball(dict.fromkeys(SPACE[:4], 0.0), 1)
    with pytest.raises(sp.ProblemError, match="no outline is known"):
        ball - sp.Ball(dict.fromkeys(SPACE[:4], 0.5), 1)
    with pytest.raises(sp.ProblemError, match="different symbols of space"):
        sp.Ball(dict.fromkeys(sp.coordinates("a b c d e f g h i"), 0.0), 1)
    u = sp.unknown("u", *SPACE[:4])
    problem = sp.Problem(ball, [Eq(sp.laplacian(u), 1)], [sp.Dirichlet(u, 0)])
    with pytest.raises(sp.MethodError, match="two or three space dimensions"):
        sp.solve(problem, sp.DTPINN(), progress=False)


@pytest.mark.slow
def test_heat_in_a_ball_of_five_dimensions_is_solved():
    """A wave that decays, by Gauss-Newton steps on a small network: half a minute."""
    u, exact = sp.unknown("u", t, *SPACE[:5]), exp(-t) * cos(sum(SPACE[:5]) / 2)
    heat = u.diff(t) - sp.laplacian(u)
    problem = sp.Problem(
        sp.Ball(dict.fromkeys(SPACE[:5], 0), 1) * sp.Interval(t, 0, 1),
        [Eq(heat, sp.manufactured(heat, {u: exact}))],
        [sp.Initial(u, exact.subs(t, 0)), sp.Dirichlet(u, exact)],
        reference={u: exact},
    )
    method = sp.PINN(steps=0, lbfgs_steps=0, newton_steps=60, width=24, hidden_layers=2)
    assert sp.solve(problem, method, progress=False).error() < 1e-3
