"""RBF-FD weights: exact on polynomials, of the promised order on smooth functions, and equal to known formulas."""

import itertools
import math

import numpy as np
import pytest
from scipy.interpolate import RBFInterpolator

from spindle.derivatives.rbf_fd import weights as rbffd
from spindle.derivatives.rbf_fd.weights import (
    definite_exponent,
    local_matrices,
    neighbours,
    polynomial_terms,
    stencil_size,
    weights,
)
from spindle.errors import MethodError


def scattered(count, dimensions, seed=0):
    """Roughly `count` quasi-uniform nodes of the unit box: a lattice whose points are moved by up to a quarter."""
    side = round(count ** (1 / dimensions))
    lattice = np.stack(np.meshgrid(*[np.arange(side) + 0.5] * dimensions), -1).reshape(-1, dimensions)
    return (lattice + np.random.default_rng(seed).uniform(-0.25, 0.25, lattice.shape)) / side


def inside(nodes, count, margin=0.3, seed=1):
    """Some nodes whose stencils are not one-sided."""
    interior = nodes[((nodes > margin) & (nodes < 1 - margin)).all(1)]
    return interior[np.random.default_rng(seed).permutation(len(interior))[:count]]


def lattice(side):
    return np.stack(np.meshgrid(*[np.linspace(0, 1, side)] * 2), -1).reshape(-1, 2)


def partial(dimensions, *axes):
    return tuple(axes.count(k) for k in range(dimensions))


def laplacian(dimensions):
    return {partial(dimensions, k, k): 1.0 for k in range(dimensions)}


def biharmonic(dimensions):
    pairs = itertools.product(range(dimensions), repeat=2)
    operator = {}
    for j, k in pairs:
        orders = partial(dimensions, j, j, k, k)
        operator[orders] = operator.get(orders, 0.0) + 1.0
    return operator


def robin(normals, coefficients):
    d = normals.shape[1]
    return {partial(d, k): normals[:, k] for k in range(d)} | {partial(d): coefficients}


def order(operator):
    return max(map(sum, operator))


def monomial_derivative(exponents, orders, points):
    """Partial of x^exponents at points (..., d)."""
    value = np.ones(points.shape[:-1])
    for k, (e, a) in enumerate(zip(exponents, orders, strict=True)):
        value = value * (math.perm(e, a) * points[..., k] ** (e - a) if a <= e else 0.0)
    return value


def all_monomials(degree, dimensions):
    return [e for e in itertools.product(range(degree + 1), repeat=dimensions) if sum(e) <= degree]


def test_counts_of_terms_and_nodes():
    assert [polynomial_terms(degree, 2) for degree in range(5)] == [1, 3, 6, 10, 15]
    assert [stencil_size(degree, 2) for degree in (2, 3, 4, 5, 6)] == [13, 21, 31, 43, 57]
    assert [stencil_size(degree, 3) for degree in (2, 3, 4, 5, 6)] == [21, 41, 71, 113, 169]


def test_neighbours_are_the_nearest_by_direct_search():
    nodes, centres = scattered(200, 2), np.random.default_rng(2).uniform(size=(20, 2))
    idx = neighbours(nodes, centres, 9)
    distances = np.linalg.norm(centres[:, None] - nodes, axis=-1)
    assert idx.dtype == np.int32
    np.testing.assert_array_equal(idx, distances.argsort(1)[:, :9])
    assert neighbours(nodes, centres, 1).shape == (20, 1)


@pytest.mark.parametrize(("dimensions", "degree", "exponent"), [(1, 4, 7), (2, 4, 7), (2, 6, 5), (2, 2, 3), (3, 4, 7)])
def test_weights_are_exact_on_every_polynomial(dimensions, degree, exponent):
    nodes = scattered({1: 60, 2: 400, 3: 1000}[dimensions], dimensions)
    rng = np.random.default_rng(3)
    # Corners and edges, interior nodes, and points that are no nodes.
    centres = np.concatenate([nodes[:10], nodes[rng.permutation(len(nodes))[:15]], rng.uniform(size=(15, dimensions))])
    normals = rng.normal(size=centres.shape)
    operators = [{partial(dimensions, *axes): 1.0} for n in range(3) for axes in combinations(dimensions, n)]
    operators += [laplacian(dimensions), robin(normals, rng.uniform(1, 2, len(centres)))]
    operators += [biharmonic(dimensions)] if degree >= 4 else []
    operators = [operator for operator in operators if order(operator) < exponent]
    idx, found = weights(nodes, centres, operators, degree=degree, exponent=exponent)

    for operator, c in zip(operators, found, strict=True):
        assert c.shape == idx.shape == (40, stencil_size(degree, dimensions)) and c.dtype == np.float64
        for exponents in all_monomials(degree, dimensions):
            # Around the centre: a monomial of the local coordinates is one polynomial of each degree as good as any.
            local = nodes[idx] - centres[:, None]
            q = monomial_derivative(exponents, partial(dimensions), local)
            exact = sum(k * monomial_derivative(exponents, o, np.zeros_like(centres)) for o, k in operator.items())
            error = np.abs((c * q).sum(1) - exact) / np.abs(c * q).sum(1)
            assert error.max() < 1e-11, f"{operator} on x^{exponents} is off by {error.max():.1e}"
            q = monomial_derivative(exponents, partial(dimensions), nodes)
            exact = sum(k * monomial_derivative(exponents, o, centres) for o, k in operator.items())
            error = np.abs((c * q[idx]).sum(1) - exact) / np.abs(c * q[idx]).sum(1)
            assert error.max() < 1e-11, f"{operator} on global x^{exponents} is off by {error.max():.1e}"


def combinations(dimensions, n):
    return itertools.combinations_with_replacement(range(dimensions), n)


def test_derivatives_of_constants_vanish():
    nodes = scattered(900, 2)
    operators = [{(1, 0): 1.0}, {(1, 1): 1.0}, laplacian(2), biharmonic(2)]
    _, found = weights(nodes, nodes, operators, degree=5)
    for operator, c in zip(operators, found, strict=True):
        assert (np.abs(c.sum(1)) <= 1e-11 * np.abs(c).sum(1)).all(), operator


def test_value_at_a_node_is_the_node_alone():
    nodes = scattered(300, 2)
    idx, (value,) = weights(nodes, nodes, [{(0, 0): 1.0}], degree=3)
    np.testing.assert_array_equal(idx[:, 0], np.arange(len(nodes)))
    np.testing.assert_allclose(value, np.eye(value.shape[1])[[0] * len(nodes)], atol=1e-12)


def wave(points, orders):
    """Partials of a smooth function of the unit box, in closed form."""
    values = 1.0
    for k, a in enumerate(orders):
        values = values * (1.0 + 0.5 * k) ** a * np.sin((1.0 + 0.5 * k) * points[..., k] + 0.4 + a * np.pi / 2)
    return values


def slope(dimensions, counts, operator, p):
    spacings, errors = [], []
    for count in counts:
        nodes = scattered(count, dimensions)
        # The nodes nearest to the same places, so that only the spacing changes.
        places = np.random.default_rng(1).uniform(0.3, 0.7, (400, dimensions))
        centres = nodes[neighbours(nodes, places, 1)[:, 0]]
        idx, (c,) = weights(nodes, centres, [operator], degree=p + order(operator) - 1)
        exact = sum(k * wave(centres, orders) for orders, k in operator.items())
        errors.append(np.sqrt(np.mean(((c * wave(nodes[idx], (0,) * dimensions)).sum(1) - exact) ** 2)))
        spacings.append(len(nodes) ** (-1 / dimensions))
    return np.polyfit(np.log(spacings), np.log(errors), 1)[0]


@pytest.mark.parametrize("operator", [laplacian(2), {(1, 0): 1.0}, {(0, 1): 1.0}], ids=["laplacian", "x", "y"])
@pytest.mark.parametrize("p", [2, 3, 4, 5])
def test_order_of_convergence_in_the_plane(operator, p):
    found = slope(2, (600, 1200, 2400, 4800), operator, p)
    assert found >= p - 0.3, f"error decays as h^{found:.2f} instead of h^{p}"


@pytest.mark.parametrize("operator", [laplacian(3), {(1, 0, 0): 1.0}, {(0, 0, 1): 1.0}], ids=["laplacian", "x", "z"])
@pytest.mark.parametrize("p", [2, 3])
def test_order_of_convergence_in_space(operator, p):
    found = slope(3, (1000, 3000, 9000, 27000), operator, p)
    assert found >= p - 0.3, f"error decays as h^{found:.2f} instead of h^{p}"


def test_size_of_laplacian_weights_in_units_of_the_spacing():
    """Maximal row sums as measured elsewhere: 24 to 38 in two dimensions, 40 to 70 in three."""
    for dimensions, count, degrees, low, high in ((2, 2500, (3, 4, 5, 6), 20, 40), (3, 2700, (3, 4), 30, 75)):
        nodes = scattered(count, dimensions)
        for degree in degrees:
            _, (c,) = weights(nodes, inside(nodes, 200), [laplacian(dimensions)], degree=degree)
            largest = np.abs(c).sum(1).max() * len(nodes) ** (-2 / dimensions)
            assert low < largest < high, (dimensions, degree, largest)


def test_no_weights_are_out_of_proportion_where_the_degree_is_low():
    """With r**7 and degree 2 in space, a few of these would be 10**4 times as large."""
    nodes = scattered(3300, 3)
    first = [{(1, 0, 0): 1.0}]
    _, (c,) = weights(nodes, nodes, first, degree=2, exponent=7)
    assert np.abs(c).sum(1).max() * len(nodes) ** (-1 / 3) < 60
    np.testing.assert_array_equal(c, weights(nodes, nodes, first, degree=2, exponent=5)[1][0])
    assert [definite_exponent(7, degree) for degree in range(6)] == [1, 3, 5, 7, 7, 7]


@pytest.mark.parametrize(("dimensions", "degree", "counts"), [(2, 5, (400, 1600, 6400)), (3, 4, (1000, 3400, 12000))])
def test_conditioning_does_not_depend_on_the_spacing(dimensions, degree, counts):
    medians = []
    for count in counts:
        nodes = scattered(count, dimensions)
        centres = inside(nodes, 40)
        idx = neighbours(nodes, centres, stencil_size(degree, dimensions))
        matrices = local_matrices(nodes, centres, idx, degree=degree)
        np.testing.assert_array_equal(matrices, matrices.swapaxes(1, 2))
        # Threads inside such small factorisations wait for each other on busy machines.
        with rbffd._one_blas_thread():
            medians.append(np.median(np.linalg.cond(matrices)))
    assert max(medians) < 3 * min(medians) and max(medians) < 1e7, medians


@pytest.mark.parametrize("operator", [{(0, 0): 1.0}, {(1, 0): 1.0}, {(1, 1): 1.0}, biharmonic(2)])
def test_shifted_and_scaled_nodes_give_scaled_weights(operator):
    nodes = scattered(300, 2)
    centres = nodes[::10]
    idx, (c,) = weights(nodes, centres, [operator], degree=4)
    for scale, shift in ((1e-5, 0.0), (1e4, 0.0), (1.0, 1e3), (2.0, -7.0)):
        again, (d,) = weights(scale * nodes + shift, scale * centres + shift, [operator], degree=4, idx=idx)
        np.testing.assert_array_equal(again, idx)
        # The shift itself costs digits of the coordinates.
        error = np.abs(d * scale ** order(operator) - c).max() / np.abs(c).max()
        assert error < 1e-9 * max(1.0, abs(shift)), (scale, shift, error)


def test_turned_nodes_give_the_same_laplacian():
    nodes = scattered(300, 2)
    turn = np.array([[np.cos(0.7), np.sin(0.7)], [-np.sin(0.7), np.cos(0.7)]])
    idx, (c,) = weights(nodes, nodes[::10], [laplacian(2)], degree=4)
    _, (d,) = weights(nodes @ turn, nodes[::10] @ turn, [laplacian(2)], degree=4, idx=idx)
    np.testing.assert_allclose(d, c, atol=1e-10 * np.abs(c).max())


def test_a_sum_of_orders_takes_each_scale_of_its_own():
    nodes, h = 1e-3 * scattered(300, 2), 1e-3
    mixed = {(0, 0): 2.0, (1, 0): -h, (0, 2): 3.0 * h**2}
    parts = [{orders: 1.0} for orders in mixed]
    _, (c, *found) = weights(nodes, nodes[::7], [mixed, *parts], degree=4)
    expected = sum(k * part for k, part in zip(mixed.values(), found, strict=True))
    np.testing.assert_allclose(c, expected, atol=1e-11 * np.abs(expected).max())


FINITE_DIFFERENCES = [
    (1, [1 / 12, -2 / 3, 0, 2 / 3, -1 / 12]),
    (2, [-1 / 12, 4 / 3, -5 / 2, 4 / 3, -1 / 12]),
    (3, [-1 / 2, 1, 0, -1, 1 / 2]),
    (4, [1, -4, 6, -4, 1]),
    (2, [1 / 90, -3 / 20, 3 / 2, -49 / 18, 3 / 2, -3 / 20, 1 / 90]),
]


@pytest.mark.parametrize(("derivative", "table"), FINITE_DIFFERENCES)
def test_on_a_line_with_as_many_nodes_as_terms_finite_differences_come_out(derivative, table):
    nodes = 0.1 * np.arange(40.0)[:, None]
    idx, (c,) = weights(nodes, nodes[10:30], [{(derivative,): 1.0}], degree=len(table) - 1, size=len(table))
    ordered = np.take_along_axis(c, idx.argsort(1), 1) * 0.1**derivative
    np.testing.assert_allclose(ordered, np.tile(table, (20, 1)), atol=1e-11)


def test_one_sided_finite_differences_at_the_end_of_a_line():
    nodes = np.arange(10.0)[:, None]
    idx, (c,) = weights(nodes, nodes[:1], [{(1,): 1.0}], degree=4, size=5)
    np.testing.assert_allclose(c[0, idx[0].argsort()], [-25 / 12, 4, -3, 4 / 3, -1 / 4], atol=1e-12)


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize(("exponent", "kernel"), [(3, "cubic"), (5, "quintic")])
def test_values_and_derivatives_are_those_of_the_interpolant_of_scipy(dimensions, exponent, kernel):
    """Its cardinal functions are our weights of the value; differences of them those of derivatives."""
    degree = 3
    nodes = scattered({2: 150, 3: 343}[dimensions], dimensions)
    centres = inside(nodes, 4) + 0.01
    operators = [{partial(dimensions): 1.0}, {partial(dimensions, 0): 1.0}, {partial(dimensions, 0, 1): 1.0}]
    operators = [*operators, laplacian(dimensions)][: 4 if exponent > 3 else 3]
    idx, found = weights(nodes, centres, operators, degree=degree, exponent=exponent)
    n = idx.shape[1]
    # Fourth-order differences on the stencil's radius make up for what its own conditioning costs.
    step = 2e-3
    first = dict(zip((-2, -1, 1, 2), np.array([1, -8, 8, -1]) / 12 / step, strict=True))
    second = dict(zip((-2, -1, 0, 1, 2), np.array([-1, 16, -30, 16, -1]) / 12 / step**2, strict=True))
    for k, centre in enumerate(centres):
        cardinal = RBFInterpolator(nodes[idx[k]], np.eye(n), kernel=kernel, degree=degree)

        def at(*moves, centre=centre, cardinal=cardinal):
            point = centre.copy()
            for axis, count in moves:
                point[axis] += count * step
            return cardinal(point[None])[0]

        np.testing.assert_allclose(found[0][k], at(), atol=1e-10)
        expected = [
            sum(w * at((0, a)) for a, w in first.items()),
            sum(v * w * at((0, a), (1, b)) for a, v in first.items() for b, w in first.items()),
            sum(w * at((axis, a)) for axis in range(dimensions) for a, w in second.items()),
        ]
        for c, e in zip(found[1:], expected[: len(found) - 1], strict=True):
            assert np.abs(c[k] - e).max() < 1e-4 * np.abs(e).max()


def test_results_do_not_depend_on_how_the_work_is_cut(monkeypatch):
    nodes = scattered(400, 2)
    _, (whole,) = weights(nodes, nodes, [laplacian(2)], degree=4)
    monkeypatch.setattr(rbffd, "CHUNK_BYTES", 8 * 46**2 * 3)
    _, (cut,) = weights(nodes, nodes, [laplacian(2)], degree=4)
    np.testing.assert_array_equal(cut, whole)


def test_ghost_nodes_make_boundary_stencils_and_centres_stay_apart():
    """A Robin row at nodes of the unit circle, with ghosts a quarter spacing outside among the nodes."""
    k = np.arange(1, 901)
    disk = np.sqrt((k - 0.5) / 900)[:, None] * np.stack([np.cos(2.399963 * k), np.sin(2.399963 * k)], 1)
    angle = 2 * np.pi * np.arange(100) / 100
    wall = np.stack([np.cos(angle), np.sin(angle)], 1)
    nodes = np.concatenate([disk[np.linalg.norm(disk, axis=1) < 0.98], wall, 1.015 * wall])
    idx, (c,) = weights(nodes, wall, [robin(wall, np.full(100, 2.0))], degree=4)
    exact = wall[:, 0] * wave(wall, (1, 0)) + wall[:, 1] * wave(wall, (0, 1)) + 2 * wave(wall, (0, 0))
    assert np.abs((c * wave(nodes[idx], (0, 0))).sum(1) - exact).max() < 2e-5
    assert (idx >= len(nodes) - 100).any(1).all()


# ---- Refusals.


NODES = scattered(400, 2)
HALF_LINE = np.stack([np.linspace(0, 1, 200)] * 2, 1)
CIRCLE = np.stack([np.cos(np.arange(60.0)), np.sin(np.arange(60.0))], 1)
WITH_NAN = np.where(np.arange(800).reshape(400, 2) == 7, np.nan, NODES)

REFUSED = [
    ((NODES[:20], NODES[:3], [laplacian(2)]), {"degree": 3}, "given 20 nodes but needs stencils of 21"),
    ((HALF_LINE, HALF_LINE[50:60], [laplacian(2)]), {"degree": 3}, r"neighbours lie on a curve .* only 4 of the 10"),
    ((CIRCLE, CIRCLE, [laplacian(2)]), {"degree": 2}, "only 5 of the 6 polynomials of degree 2"),
    ((lattice(30), lattice(30), [laplacian(2)]), {"degree": 5}, "tell apart only 20 of the 21 .* less regular nodes"),
    ((np.concatenate([NODES, NODES[:1]]), NODES[:5], [laplacian(2)]), {"degree": 3}, "the same node twice"),
    ((np.concatenate([NODES, NODES[:1] + 1e-12]), NODES, [{(0, 0): 1.0}]), {"degree": 3}, "the same node twice"),
    ((WITH_NAN, NODES, [laplacian(2)]), {"degree": 3}, "nodes with NaN or Inf, first in row 3"),
    ((NODES, WITH_NAN, [laplacian(2)]), {"degree": 3}, "centres with NaN or Inf, first in row 3"),
    ((NODES[:, :1], NODES, [laplacian(2)]), {"degree": 3}, r"shape \(400, 1\) and centres of shape \(400, 2\)"),
    ((NODES, NODES, [laplacian(2)]), {"degree": 3, "exponent": 6}, "exponent=6 .* odd m only"),
    ((NODES, NODES, [biharmonic(2)]), {"degree": 4, "exponent": 3}, "exponent=3 for an operator of order 4"),
    ((NODES, NODES, [laplacian(2)]), {"degree": 1}, "degree=1 for an operator of order 2"),
    ((NODES, NODES, [laplacian(2)]), {"degree": -1}, "degree=-1, which is no total degree"),
    ((NODES, NODES, [{(2,): 1.0}]), {"degree": 3}, r"the partial \(2,\) of functions of 2 coordinates"),
    ((NODES, NODES, [{(2, -1): 1.0}]), {"degree": 3}, r"the partial \(2, -1\) of functions of 2 coordinates"),
    ((NODES, NODES, [{(2, 0): np.ones(3)}]), {"degree": 3}, r"shape \(3,\) for the partial \(2, 0\)"),
    ((NODES, NODES, [laplacian(2)]), {"degree": 3, "size": 9}, "stencils of 9 nodes .* have 10 terms"),
    ((NODES, NODES, [laplacian(2)]), {"degree": 3, "idx": np.zeros((3, 21))}, r"stencils of shape \(3, 21\)"),
]


@pytest.mark.parametrize(("arguments", "settings", "text"), REFUSED)
def test_refusals_say_what_is_wrong(arguments, settings, text):
    with pytest.raises(MethodError, match=text) as refused:
        weights(*arguments, **settings)
    assert str(refused.value).endswith(".") and ". " not in str(refused.value)


def test_a_refused_stencil_is_named_by_its_centre():
    """One flat stencil among many sound ones; the fault is found at that very centre."""
    far = np.array([5.0, 5.0]) + np.linspace(0, 0.1, 40)[:, None] * np.array([3.0, 1.0])
    nodes = np.concatenate([NODES, far])
    centres = np.concatenate([NODES, far[20:21]])
    with pytest.raises(MethodError, match=r"centre \(5\.15385, 5\.05128\)"):
        weights(nodes, centres, [laplacian(2)], degree=3)


def test_too_few_nodes_for_neighbours():
    with pytest.raises(MethodError, match="given 20 nodes but needs 21 for one stencil"):
        neighbours(NODES[:20], NODES[:3], 21)
