"""Balls in more than three dimensions: measures, points, and what is refused."""

import numpy as np
import pytest
from sympy import Eq, cos, exp

import spindle as spd
from spindle.points.cloud import Cloud

t, *SPACE = spd.coordinates("t a b c d e f")


@pytest.mark.parametrize(
    ("d", "volume", "surface"), [(4, np.pi**2 / 2, 2 * np.pi**2), (5, 8 * np.pi**2 / 15, 8 * np.pi**2 / 3)]
)
def test_measures_are_those_of_the_textbook(d, volume, surface):
    ball = spd.Ball(dict.fromkeys(SPACE[:d], 1.0), 2)
    assert ball.volume == pytest.approx(volume * 2**d)
    assert ball.surface == pytest.approx(surface * 2 ** (d - 1))
    assert ball == spd.Ball(dict.fromkeys(SPACE[:d], 1.0), 2)


def test_points_fill_the_ball_and_its_sphere_evenly():
    domain = spd.Ball(dict.fromkeys(SPACE[:5], 0.0), 1) * spd.Interval(t, 0, 1)
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
    ball = spd.Ball(dict.fromkeys(SPACE[:4], 0.0), 1)
    with pytest.raises(spd.ProblemError, match="no outline is known"):
        ball - spd.Ball(dict.fromkeys(SPACE[:4], 0.5), 1)
    with pytest.raises(spd.ProblemError, match="different symbols of space"):
        spd.Ball(dict.fromkeys(spd.coordinates("a b c d e f g h i"), 0.0), 1)
    u = spd.unknown("u", *SPACE[:4])
    problem = spd.Problem(ball, [Eq(spd.laplacian(u), 1)], [spd.Dirichlet(u, 0)])
    with pytest.raises(spd.MethodError, match="two or three space dimensions"):
        spd.solve(problem, spd.DTPINN(), progress=False)


@pytest.mark.slow
def test_heat_in_a_ball_of_five_dimensions_is_solved():
    """A wave that decays, by Gauss-Newton steps on a small network: half a minute."""
    u, exact = spd.unknown("u", t, *SPACE[:5]), exp(-t) * cos(sum(SPACE[:5]) / 2)
    heat = u.diff(t) - spd.laplacian(u)
    problem = spd.Problem(
        spd.Ball(dict.fromkeys(SPACE[:5], 0), 1) * spd.Interval(t, 0, 1),
        [Eq(heat, spd.manufactured(heat, {u: exact}))],
        [spd.Initial(u, exact.subs(t, 0)), spd.Dirichlet(u, exact)],
        reference={u: exact},
    )
    method = spd.PINN(steps=0, lbfgs_steps=0, newton_steps=60, width=24, hidden_layers=2)
    assert spd.solve(problem, method, progress=False).error() < 1e-3
