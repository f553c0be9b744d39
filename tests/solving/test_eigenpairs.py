"""Eigenpairs: closed forms, special functions of SciPy, and the literature; and what is refused."""

import json

import numpy as np
import pytest
import scipy.special
from scipy.optimize import brentq
from sympy import Eq, cos, exp, pi

import spindle as spd
from spindle.problem.serialize import problem_from_data, problem_to_data

x, y, z, t = spd.coordinates("x y z t")
lam = spd.parameter("lam", eigenvalue=True)
u, v, w = spd.unknown("u", x), spd.unknown("v", x, y), spd.unknown("w", x, y, z)
SQUARE = spd.Box({x: (0, 1), y: (0, 1)})
# Trefethen & Betcke (2006), Contemp. Math. 412, of three unit squares; the multiples of pi^2 are exact.
MEMBRANE = [
    *(9.6397238440219, 15.197251926, 2 * np.pi**2, 29.521481114, 31.912635957),
    *(41.474509890, 44.948487781, 5 * np.pi**2, 5 * np.pi**2, 56.709609887),
]


def on_interval(equation, conditions, ends=(0, 1)):
    return spd.Problem(spd.Box({x: ends}), [equation], conditions)


def airy():
    """u'' = -lam x u: u = J(2/3 sqrt(lam) x^(3/2)) in Airy's functions, whose combination vanishes at both ends."""

    def mismatch(value):
        at = [scipy.special.airy(-(value ** (1 / 3)) * end) for end in (0, 1)]
        return at[0][0] * at[1][2] - at[0][2] * at[1][0]

    steps = np.arange(1.0, 250.0, 1.0)
    return [brentq(mismatch, a, a + 1) for a in steps if mismatch(a) * mismatch(a + 1) < 0]


KNOWN = {
    "box": (
        spd.Problem(
            spd.Box({x: (0, 1), y: (0, 2), z: (-1, 2)}), [Eq(-spd.laplacian(w), lam * w)], [spd.Dirichlet(w, 0)]
        ),
        [np.pi**2 * (a**2 + b**2 / 4 + c**2 / 9) for a in range(1, 5) for b in range(1, 8) for c in range(1, 9)],
        0.0,
    ),
    "free membrane": (
        spd.Problem(SQUARE, [Eq(spd.laplacian(v) + lam * v, 0)], [spd.Neumann(v, 0)]),
        [np.pi**2 * (a**2 + b**2) for a in range(6) for b in range(6)],
        0.0,
    ),
    "clamped beam": (
        on_interval(Eq(u.diff(x, 4), lam * u), [spd.Dirichlet(u, 0), spd.Neumann(u, 0)]),
        [brentq(lambda k: np.cos(k) - 1 / np.cosh(k), a, a + 1) ** 4 for a in (4.2, 7.3, 10.5, 13.6)],
        0.0,
    ),
    "Mathieu": (
        on_interval(Eq(-u.diff(x, 2) + 2 * cos(2 * x) * u, lam * u), [spd.Periodic(u, x)], (0, 2 * pi)),
        [scipy.special.mathieu_a(k, 1) for k in range(5)] + [scipy.special.mathieu_b(k, 1) for k in range(1, 5)],
        -5.0,
    ),
    "elastic end": (
        on_interval(Eq(-u.diff(x, 2), lam * u), [spd.Dirichlet(u, 0, on=Eq(x, 0)), spd.Robin(u, 1, 1, on=Eq(x, 1))]),
        [brentq(lambda k: np.tan(k) + k, (n - 0.5) * np.pi + 1e-9, n * np.pi) ** 2 for n in (1, 2, 3, 4)],
        0.0,
    ),
    "weighted string": (on_interval(Eq(-u.diff(x, 2), lam * x * u), [spd.Dirichlet(u, 0)]), airy(), 0.0),
    "mixed derivatives": (
        spd.Problem(
            spd.Box({x: (0, 2 * pi), y: (0, 2 * pi)}),
            [Eq(-spd.laplacian(v) - v.diff(x, y), lam * v)],
            [spd.Periodic(v, x), spd.Periodic(v, y)],
        ),
        [m * m + m * n + n * n for m in range(-4, 5) for n in range(-4, 5)],
        -0.5,
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_eigenvalues_of_boxes_are_known_ones_to_ten_digits(name):
    problem, known, near = KNOWN[name]
    known = sorted(known)[:4] if name in ("clamped beam", "elastic end", "weighted string") else sorted(known)[:7]
    pairs = spd.eigenpairs(problem, len(known), near=near)
    assert pairs.method == "spinn"
    np.testing.assert_allclose(pairs.values, known, rtol=1e-10, atol=1e-9)
    assert pairs.verdict.word == "solved", str(pairs)
    assert all(error < 1e-9 for error in (pair.estimate for pair in pairs))


def test_the_axes_of_a_box_separate_in_any_dimension():
    axes = spd.coordinates("a b c d e f")
    q = spd.unknown("q", *axes)
    problem = spd.Problem(spd.Box({c: (0, pi) for c in axes}), [Eq(-spd.laplacian(q), lam * q)], [spd.Dirichlet(q, 0)])
    np.testing.assert_allclose(spd.eigenpairs(problem, 7).values, [6, *[9] * 6], rtol=1e-12)


def test_a_coefficient_that_does_not_separate_is_taken_by_quadrature():
    """Two ways of writing one operator, of which one separates: exp(x y) times it on both sides."""
    factor = exp(x * y)
    plain, weighted = (
        spd.Problem(SQUARE, [Eq(k * (-spd.laplacian(v) + x * v), k * lam * v)], [spd.Dirichlet(v, 0)])
        for k in (1, factor)
    )
    np.testing.assert_allclose(spd.eigenpairs(weighted, 4).values, spd.eigenpairs(plain, 4).values, rtol=1e-10)


def test_eigenfunctions_have_values():
    pairs = spd.eigenpairs(KNOWN["box"][0], 2)
    at = {"x": 0.3, "y": np.array([0.4, 1.0]), "z": 0.5}
    exact = np.sin(np.pi * 0.3) * np.sin(np.pi * at["y"] / 2) * np.sin(np.pi * 1.5 / 3)
    ratio = pairs[0](**at) / exact
    np.testing.assert_allclose(ratio, ratio[0])
    assert 0.9 < abs(ratio[0]) < 1.2  # the largest value at samples is 1
    assert np.isnan(pairs[1](w, x=2, y=0, z=0))
    grid = pairs.to_xarray(x=3, y=3, z=3)
    assert grid.w.dims == ("pair", "x", "y", "z")
    assert grid.lam.dims == ("pair",)
    with pytest.raises(spd.ProblemError, match="needs each of the coordinates x, y, z"):
        pairs[0](x=0)
    with pytest.raises(spd.ProblemError, match="none of the unknowns"):
        pairs[0](u, x=0, y=0, z=0)


def test_complex_eigenvalues_are_complex():
    """Waves that are carried around a circle: k^2 + 2 i k."""
    around = on_interval(Eq(-u.diff(x, 2) + 2 * u.diff(x), lam * u), [spd.Periodic(u, x)], (0, 2 * pi))
    pairs = spd.eigenpairs(around, 3, near=-0.5)
    np.testing.assert_allclose(pairs.values, [0, 1 - 2j, 1 + 2j], atol=1e-10)
    assert isinstance(pairs.record()["pairs"][1]["value"], list)


def test_a_drum_on_scattered_nodes_has_the_zeros_of_bessel_functions():
    disk = spd.Problem(spd.Disk({x: 0, y: 0}, 1), [Eq(-spd.laplacian(v), lam * v)], [spd.Dirichlet(v, 0)])
    pairs = spd.eigenpairs(disk, 3, method=spd.DTPINN(order=4, nodes=400))
    known = np.array([scipy.special.jn_zeros(0, 1)[0], *[scipy.special.jn_zeros(1, 1)[0]] * 2]) ** 2
    np.testing.assert_allclose(pairs.values, known, rtol=2e-3)
    assert all(abs(a / b - 1) < 3 * pair.estimate for a, b, pair in zip(pairs.values, known, pairs, strict=True))
    radius = np.array([0.0, 0.5])
    ratio = pairs[0](x=radius, y=0.0) / scipy.special.j0(radius * known[0] ** 0.5)
    np.testing.assert_allclose(ratio, ratio[0], rtol=2e-3)


@pytest.mark.slow
def test_an_l_shaped_membrane_by_default_is_right_to_four_digits():
    shape = spd.Polygon((x, y), [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)])
    pairs = spd.eigenpairs(spd.Problem(shape, [Eq(-spd.laplacian(v), lam * v)], [spd.Dirichlet(v, 0)]), 10)
    np.testing.assert_allclose(pairs.values, MEMBRANE, rtol=1e-4)
    assert pairs.verdict.word == "solved"


@pytest.mark.slow
def test_an_eigenvalue_in_a_condition():
    """Steklov's problem on a disk: du/dn = lam u, of which the eigenvalues are 0, 1, 1, 2, 2."""
    disk = spd.Problem(spd.Disk({x: 0, y: 0}, 1), [Eq(spd.laplacian(v), 0)], [spd.Robin(v, -lam, 1)])
    pairs = spd.eigenpairs(disk, 5, method=spd.DTPINN(order=4, nodes=800), near=-0.5)
    np.testing.assert_allclose(pairs.values, [0, 1, 1, 2, 2], atol=1e-6)


@pytest.mark.slow
def test_a_ball_in_space():
    ball = spd.Problem(spd.Ball({x: 0, y: 0, z: 0}, 1), [Eq(-spd.laplacian(w), lam * w)], [spd.Dirichlet(w, 0)])
    np.testing.assert_allclose(spd.eigenpairs(ball, 2).values, [np.pi**2, 4.493409457909064**2], rtol=1e-2)


def test_it_comes_back_from_a_file():
    problem = KNOWN["elastic end"][0]
    data, arrays = problem_to_data(problem)
    again = problem_from_data(json.loads(json.dumps(data)), arrays)
    assert again.eigenvalue == lam
    assert "lam is an eigenvalue" in str(again)
    assert problem.at(lam=3).eigenvalue is None


REFUSED = {
    "no eigenvalue": (on_interval(Eq(u.diff(x, 2), u), [spd.Dirichlet(u, 0)]), "needs the parameter that is"),
    "source": (on_interval(Eq(u.diff(x, 2), lam * u + 1), [spd.Dirichlet(u, 0)]), "an eigenproblem is homogeneous"),
    "data": (on_interval(Eq(u.diff(x, 2), lam * u), [spd.Dirichlet(u, 1)]), "an eigenproblem is homogeneous"),
    "nonlinear": (on_interval(Eq(u.diff(x, 2), lam * u**2), [spd.Dirichlet(u, 0)]), "is not linear"),
    "square": (on_interval(Eq(u.diff(x, 2), lam**2 * u), [spd.Dirichlet(u, 0)]), "is not linear"),
    "family": (
        on_interval(Eq(u.diff(x, 2), lam * spd.parameter("k", range=(1, 2)) * u), [spd.Dirichlet(u, 0)]),
        "has no single value",
    ),
    "measured": (
        on_interval(Eq(u.diff(x, 2), lam * u), [spd.Observed(u, {x: [0.5]}, [0.0])]),
        "have no size of their own",
    ),
    "time": (
        spd.Problem(
            spd.Box({t: (0, 1), x: (0, 1)}),
            [Eq(spd.unknown("q", t, x).diff(x, 2), lam * spd.unknown("q", t, x))],
            [spd.Dirichlet(spd.unknown("q", t, x), 0)],
        ),
        "do not depend on time",
    ),
    "a condition missing": (on_interval(Eq(u.diff(x, 2), lam * u), [spd.Dirichlet(u, 0, on=Eq(x, 0))]), "as many"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_eigenpairs_is_refused(name):
    problem, words = REFUSED[name]
    with pytest.raises(spd.SpindleError, match=words):
        spd.eigenpairs(problem)


def test_arguments_that_cannot_be_meant_are_refused():
    problem = KNOWN["elastic end"][0]
    for options, words in (
        ({"count": 0}, "whole number from 1"),
        ({"count": 2.0}, "whole number from 1"),
        ({"near": float("nan")}, "a finite number"),
        ({"method": spd.PINN()}, "other methods train a network"),
        ({"method": "dtpinn"}, "two or three space dimensions"),
        ({"count": 900}, "fewer"),
    ):
        with pytest.raises(spd.MethodError, match=words):
            spd.eigenpairs(problem, **options)
    with pytest.raises(spd.MethodError, match=r"spd\.eigenpairs\(problem, count=6\)"):
        spd.solve(problem, progress=False)
    with pytest.raises(spd.ProblemError, match="give nothing else"):
        spd.parameter("lam", 1.0, eigenvalue=True)
    assert spd.eigenpairs(problem, 1, method=spd.SPINN(width=12))[0].value == pytest.approx(4.11585836, abs=1e-6)
