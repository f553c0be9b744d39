"""The cavity: published extremes to seven digits, the equation by differences, and the tables of Ghia et al."""

import numpy as np
import pytest
from numpy.polynomial import chebyshev
from scipy.optimize import minimize_scalar

from spindle.errors import ProblemError
from spindle.reference.cavity import LIDS, cavity, corners, derivatives, ghia, profiles, shear

# Botella & Peyret (1998), Computers & Fluids 27: the least u on x = 1/2, the largest and the least v on y = 1/2.
EXTREMES = {100: (-0.2140424, 0.1795728, -0.2538030), 1000: (-0.3885698, 0.3769447, -0.5270771)}
MISPRINT = (400, 0.9063)


def centre_lines(reynolds, y, x, degree=48):
    u = cavity(reynolds, x=[0.5], y=y, degree=degree)["u"].values[0]
    return u, cavity(reynolds, x=x, y=[0.5], degree=degree)["v"].values[:, 0]


@pytest.mark.parametrize(("reynolds", "tolerance"), [(100, 1e-7), pytest.param(1000, 3e-6, marks=pytest.mark.slow)])
def test_published_extremes(reynolds, tolerance):
    def u(place):
        return centre_lines(reynolds, [place], [0.5])[0].item()

    def v(place):
        return centre_lines(reynolds, [0.5], [place])[1].item()

    def least(function, low, high):
        return minimize_scalar(function, bounds=(low, high), method="bounded", options={"xatol": 1e-6}).fun

    found = (least(u, 0.1, 0.6), -least(lambda place: -v(place), 0.1, 0.4), least(v, 0.7, 0.95))
    np.testing.assert_allclose(found, EXTREMES[reynolds], atol=tolerance)


@pytest.mark.parametrize("reynolds", [100, 400])
def test_the_tables_of_ghia_are_within_one_per_cent_but_for_a_misprint(reynolds):
    (y, printed_u), (x, printed_v) = ghia(reynolds)
    assert all(places.shape == (17,) and np.all(np.diff(places) > 0) for places in (y, x))
    u, v = centre_lines(reynolds, y, x)
    assert np.abs(printed_u - u).max() < {100: 0.0051, 400: 0.0030}[reynolds]
    sound = np.array([(reynolds, place) != MISPRINT for place in x])
    assert np.abs(printed_v - v)[sound].max() < {100: 0.0093, 400: 0.0063}[reynolds]
    assert np.all(sound) == (reynolds == 100)
    np.testing.assert_allclose((printed_v - v)[~sound], 0.1514, atol=1e-4)


def test_the_entry_that_stands_out():
    (y, printed), _ = ghia(100)
    off = np.abs(printed - centre_lines(100, y, [0.5])[0])
    np.testing.assert_array_equal(y[:5][off[:5] > 1e-4], [0.0703])
    assert off[3] == pytest.approx(0.00113, abs=1e-5)


@pytest.mark.parametrize("lid", LIDS)
@pytest.mark.parametrize("place", [(0.5, 0.5), (0.3, 0.7), (0.8, 0.3), (0.15, 0.85), (0.2, 0.2)])
def test_satisfies_continuity_and_the_vorticity_equation(place, lid):
    """By polynomials through u and v on 14 Chebyshev nodes an axis of a small square."""
    half, z = 0.08, chebyshev.chebpts1(14)
    fields = cavity(100, lid=lid, x=place[0] + half * z, y=place[1] + half * z)
    inverse = np.linalg.inv(chebyshev.chebvander(z, 13))
    u, v = (inverse @ fields[name].values @ inverse.T for name in "uv")

    def at_centre(field, i, j):
        along_x = chebyshev.chebder(field, i, scl=1 / half, axis=0)
        return chebyshev.chebval2d(0, 0, chebyshev.chebder(along_x, j, scl=1 / half, axis=1))

    assert at_centre(u, 1, 0) + at_centre(v, 0, 1) == pytest.approx(0, abs=1e-7)
    w_x, w_y = (at_centre(v, 1 + i, j) - at_centre(u, i, 1 + j) for i, j in ((1, 0), (0, 1)))
    laplacian = sum(at_centre(v, 1 + i, j) - at_centre(u, i, 1 + j) for i, j in ((2, 0), (0, 2)))
    convection = at_centre(u, 0, 0) * w_x + at_centre(v, 0, 0) * w_y
    assert convection == pytest.approx(laplacian / 100, abs=5e-4)


@pytest.mark.parametrize("reynolds", [1, 400])
def test_rests_on_the_walls_and_moves_with_the_lid(reynolds):
    u, v = (cavity(reynolds)[name].values for name in "uv")
    assert np.all(u[:, -1] == 1) and np.all(v[:, -1] == 0)
    walls = [field[rows] for field in (u, v) for rows in (np.s_[0, :-1], np.s_[-1, :-1], np.s_[:, 0])]
    assert max(np.abs(wall).max() for wall in walls) < 1e-10
    near = cavity(reynolds, x=np.linspace(0.05, 0.95, 19), y=[1 - 1e-6])
    np.testing.assert_allclose(near["u"].values, 1, atol=1e-4)


@pytest.mark.parametrize("lid", ["parabolic", "regularised"])
def test_lids_that_rest_at_their_ends(lid):
    fields = cavity(100, lid=lid)
    u, v = (fields[name].values for name in "uv")
    x = fields["u"].axes["x"]
    speed = {"parabolic": 4, "regularised": 16 * x * (1 - x)}[lid] * x * (1 - x)
    np.testing.assert_allclose(u[:, -1], speed, atol=1e-14)
    walls = [field[rows] for field in (u, v) for rows in (np.s_[0], np.s_[-1], np.s_[:, 0])]
    assert max(np.abs(wall).max() for wall in walls) < 1e-10
    near = cavity(100, lid=lid, y=[1 - 1e-7])["u"].values[:, 0]
    np.testing.assert_allclose(near, speed, atol=1e-5)
    rough = cavity(100, lid=lid, degree=32)
    for name in "uv":
        error = np.linalg.norm(rough[name].values - fields[name].values) / np.linalg.norm(fields[name].values)
        assert fields[name].relative_error < 1e-6
        assert error < rough[name].relative_error


@pytest.mark.slow
@pytest.mark.parametrize(("reynolds", "degree", "closest"), [(1000, 48, 0.02), (3200, 64, 0.05)])
def test_the_tables_of_ghia_for_fast_flow(reynolds, degree, closest):
    """One entry is a misprint, a digit too many before the point."""
    (y, printed_u), (x, printed_v) = ghia(reynolds)
    u, v = centre_lines(reynolds, y, x, degree)
    sound = np.array([(reynolds, place) != (3200, 0.4531) for place in y])
    assert np.abs(printed_u - u)[sound].max() < closest
    assert np.abs(printed_v - v).max() < closest
    np.testing.assert_allclose(printed_u[~sound] / 10, u[~sound], atol=0.01)


def test_no_flow_through_a_cross_section():
    node, weight = np.polynomial.legendre.leggauss(60)
    z = (node + 1) / 2
    across = cavity(400, x=[0.2, 0.5, 0.9], y=z)["u"].values @ weight
    along = weight @ cavity(400, x=z, y=[0.2, 0.5, 0.9])["v"].values
    np.testing.assert_allclose([across, along], 0, atol=1e-6)


def test_slow_flow_is_symmetric():
    fields = cavity(1e-6)
    np.testing.assert_allclose(fields["u"].values, fields["u"].values[::-1], atol=1e-7)
    np.testing.assert_allclose(fields["v"].values, -fields["v"].values[::-1], atol=1e-7)


def test_the_estimate_bounds_the_error():
    best, rough = cavity(400), cavity(400, degree=32)
    for name in "uv":
        error = np.linalg.norm(rough[name].values - best[name].values) / np.linalg.norm(best[name].values)
        assert best[name].relative_error < error < rough[name].relative_error


def test_profiles_at_the_ends_of_the_lid():
    f, g = profiles()
    theta = np.linspace(0, np.pi / 2, 9)
    f0, f1, f2, f3, f4 = derivatives(f, theta, 5)
    _, _, g2, _, g4 = derivatives(g, theta, 5)
    np.testing.assert_allclose(f4 + 2 * f2 + f0, 0, atol=1e-13)
    np.testing.assert_allclose(g4 + 4 * g2, f1 * (f0 + f2) + f0 * (f1 + f3), atol=1e-13)
    ends = np.array([derivatives(profile, theta[[0, -1]], 2) for profile in (f, g)])
    np.testing.assert_allclose(ends, [[[0, 0], [-1, 0]], [[0, 0], [0, 0]]], atol=1e-14)


def test_profile_at_the_ends_of_a_lid_whose_speed_grows():
    """r**2 f is biharmonic where the fourth derivative of f and four times the second cancel."""
    theta = np.linspace(0, np.pi / 2, 9)
    _, _, f2, _, f4 = derivatives(shear(), theta, 5)
    np.testing.assert_allclose(f4 + 4 * f2, 0, atol=1e-13)
    ends = np.array(derivatives(shear(), theta[[0, -1]], 2))
    np.testing.assert_allclose(ends, [[0, 0], [-4, 0]], atol=1e-14)


@pytest.mark.parametrize("lid", ["uniform", "parabolic"])
def test_singular_terms_are_differentiated_rightly(lid):
    h, reynolds = 1e-3, 7.0
    x, y = 0.3 + h * np.arange(-2, 3), 0.8 + h * np.arange(-2, 3)
    s, s_x, s_y, s_xy, lap_x, lap_y, bilaplacian = corners(x[:, None], y, reynolds, lid)
    slope = np.array([1, -8, 0, 8, -1]) / (12 * h)
    bend = np.array([-1, 16, -30, 16, -1]) / (12 * h**2)
    for found, wanted in (
        (slope @ s[:, 2], s_x),
        (s[2] @ slope, s_y),
        (slope @ s_y[:, 2], s_xy),
        (bend @ s_x[:, 2] + s_x[2] @ bend, lap_x),
        (bend @ s_y[:, 2] + s_y[2] @ bend, lap_y),
        (slope @ lap_x[:, 2] + lap_y[2] @ slope, bilaplacian),
    ):
        assert found == pytest.approx(wanted[2, 2], rel=1e-6, abs=1e-6)


def test_refusals():
    with pytest.raises(ValueError, match=r"`ghia\(\)` got reynolds = 200; .* 100, 400, 1000 and 3200"):
        ghia(200)
    with pytest.raises(ValueError, match=r"`cavity\(\)` got reynolds = 5000; .* up to 3200"):
        cavity(5000)
    with pytest.raises(ValueError, match=r"`cavity\(\)` got lid = 'fast', and knows uniform, parabolic, regularised"):
        cavity(100, lid="fast")
    with pytest.raises(ProblemError, match=r"cannot be computed, .*did not converge in .* degree 12 .* Raise `degree`"):
        _ = cavity(1000, degree=16)["u"].values
