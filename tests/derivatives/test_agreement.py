"""Three ways to the same partials: separable jets, pointwise jets, and nested differentiation by JAX."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spindle.derivatives.pointwise import PointwiseTaylor, pointwise_values
from spindle.derivatives.separable.jets import SeparableJets, axis_jets, highest_orders, merge, paired
from spindle.geometry.supports import PointSet, Region
from spindle.lowering.partials import LinearCombination, Partial
from spindle.networks.embeddings import Scaled
from spindle.networks.fields import BoundaryFactor, SeparableField
from spindle.networks.layers import MLP
from spindle.points.cloud import Cloud
from spindle.points.lattice import Lattice

RANK, OUTPUTS = 3, 2
COUNTS = (2, 4, 3, 1)  # unequal, and one axis with a single node
BOUNDS = ((-1.0, 1.0), (0.0, 2.0), (1.0, 2.0), (-2.0, 0.0))


def field_of(dimensions, key):
    """Two outputs with different boundary factors."""
    keys = jax.random.split(key, dimensions)
    bodies = tuple(MLP(1, OUTPUTS * RANK, width=5, hidden=1, key=k) for k in keys)
    walls = tuple(BoundaryFactor(((low, 1), (high, 1)), 1.0) for low, high in BOUNDS[:dimensions])
    free = (BoundaryFactor((), 1.0),) * dimensions
    return SeparableField(tuple(Scaled((b,)) for b in BOUNDS[:dimensions]), bodies, (walls, free), OUTPUTS)


def needs_of(dimensions):
    """Values, pure and mixed partials up to the third order, and a weighted Laplacian."""

    def orders(*axes):
        return tuple(axes.count(k) for k in range(dimensions))

    last = dimensions - 1
    partials = [
        Partial(0, orders()),
        Partial(1, orders(last)),
        Partial(0, orders(0, 0)),
        Partial(1, orders(0, last)),
        Partial(0, orders(last, last, last)),
        Partial(1, orders(0, 0, 1)),
    ]
    squares = [(Partial(1, orders(k, k)), float(k + 1)) for k in range(dimensions)]
    return [*partials, LinearCombination(1, tuple(squares))]


def nested(field, points, needs):
    """By `jax.jacfwd` of `jax.jacfwd` ..., one point at a time."""
    tower = [lambda p: field(p[None])[0]]
    for _ in range(3):
        tower.append(jax.jacfwd(tower[-1]))
    tensors = [jax.vmap(f)(points) for f in tower]

    def one(partial):
        axes = [k for k, n in enumerate(partial.orders) for _ in range(n)]
        return tensors[partial.total][(slice(None), partial.unknown, *axes)]

    return [sum(c * one(p) for p, c in need.terms) for need in needs]


@pytest.mark.parametrize("dimensions", [2, 3, 4])
def test_all_derivatives_agree(dimensions, getkey, float64, tolerance):
    field, needs = field_of(dimensions, getkey()), needs_of(dimensions)
    axes = [np.random.default_rng(k).uniform(*BOUNDS[k], size=COUNTS[k]) for k in range(dimensions)]
    points = jnp.asarray(np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, dimensions))
    columns = [jnp.asarray(a)[:, None] for a in axes]
    highest = highest_orders(needs, dimensions)

    @jax.jit
    def three_ways(field):
        on_grid = [axis_jets(field, k, columns[k], n) for k, n in enumerate(highest)]
        at_points = [axis_jets(field, k, points[:, k : k + 1], n) for k, n in enumerate(highest)]
        merged, values = merge(on_grid, needs), paired(at_points, needs)
        pointwise = pointwise_values(field, points, needs)
        return [(merged[need], values[need], pointwise[need]) for need in needs]

    truth = jax.jit(lambda field: nested(field, points, needs))(field)
    for need, (on_grid, at_points, pointwise), expected in zip(needs, three_ways(field), truth, strict=True):
        assert on_grid.shape == COUNTS[:dimensions]
        for found in (on_grid.ravel(), at_points, pointwise):
            size = max(1.0, float(np.abs(expected).max()))
            np.testing.assert_allclose(found, expected, atol=10 * tolerance * size, err_msg=str(need))


@pytest.mark.parametrize("dimensions", [2, 3, 4])
def test_merge_is_the_naive_sum_of_products(dimensions, float64, tolerance):
    """Against `einsum` over every axis and the rank, without any factorisation."""
    random = np.random.default_rng(5)
    features = [[random.normal(size=(COUNTS[k], OUTPUTS, RANK)) for _ in range(4)] for k in range(dimensions)]
    needs = needs_of(dimensions)
    found = merge([[jnp.asarray(f) for f in axis] for axis in features], needs)
    letters = "abcd"[:dimensions]
    for need in needs:
        expected = 0
        for partial, coefficient in need.terms:
            factors = [features[k][order][:, partial.unknown] for k, order in enumerate(partial.orders)]
            expected = expected + coefficient * np.einsum(",".join(f"{a}r" for a in letters) + f"->{letters}", *factors)
        np.testing.assert_allclose(found[need], expected, atol=100 * tolerance, err_msg=str(need))


def values(derivatives, field, drawn):
    """For each support what it needs."""
    shared = derivatives.prepare(field, drawn)
    return [derivatives.at(shared, support) for support in range(len(derivatives.needs))]


def test_lattice_places_get_their_own_slice(getkey, float64, tolerance):
    """Interior, a face and scattered points of one lattice, each with its own needs."""
    field = field_of(2, getkey())
    scatter = PointSet(np.array([[0.5, 0.25], [-0.25, 1.5]]), np.zeros(2))
    places = [Region(BOUNDS[:2]), Region((BOUNDS[0], (2.0, 2.0))), scatter]
    needs = [[Partial(0, (2, 0)), Partial(1, (1, 1))], [Partial(1, (0, 1))], [Partial(1, (0, 0)), Partial(0, (0, 2))]]
    jets = SeparableJets(Lattice(places, (3, 4), "gauss"), needs)
    shapes = [(3, 4), (3, 1), (2,)]

    @jax.jit
    def both(field, drawn):
        rows = []
        for need, known, where, shape in zip(
            needs, values(jets, field, drawn), jets.points.coordinates(drawn), shapes, strict=True
        ):
            points = jnp.stack([jnp.broadcast_to(c, shape).ravel() for c in where], axis=1)
            pointwise = pointwise_values(field, points, need)
            rows += [(known[one].reshape(shape), pointwise[one].reshape(shape)) for one in need]
        return rows

    for ours, expected in both(field, jets.points.draw(getkey())):
        np.testing.assert_allclose(ours, expected, atol=100 * tolerance)


@pytest.mark.parametrize("together", [False, True])
def test_clouds_differentiate_place_by_place(together, getkey, float64, tolerance):
    field = field_of(2, getkey())
    places = [Region(BOUNDS[:2]), Region((BOUNDS[0], (2.0, 2.0))), Region((BOUNDS[0], (0.0, 0.0)))]
    needs = [[Partial(0, (0, 0))], [Partial(1, (0, 1)), Partial(1, (0, 0))], [Partial(1, (0, 0))]]
    cloud = Cloud(places, [0, 1, 2], interior=5, boundary=3, rule="sobol")
    jets = PointwiseTaylor(cloud, needs, together=together)
    drawn = jets.points.draw(getkey())

    @jax.jit
    def both(field, drawn):
        inside, on_face, on_other = values(jets, field, drawn)
        slopes = jax.vmap(jax.jacfwd(lambda p: field(p[None])[0]))(drawn[1])
        return (
            (inside[needs[0][0]], field(drawn[0])[:, 0]),
            (on_face[needs[1][0]], slopes[:, 1, 1]),
            (on_other[needs[2][0]], field(drawn[2])[:, 1]),
        )

    for ours, expected in both(field, drawn):
        np.testing.assert_allclose(ours, expected, rtol=100 * tolerance, atol=tolerance)


def test_axes_are_differentiated_no_further_than_needed():
    needs = [Partial(0, (2, 0, 1)), LinearCombination(0, ((Partial(0, (0, 0, 3)), 1.0), (Partial(0, (1, 0, 0)), 2.0)))]
    assert highest_orders(needs, 3) == [2, 0, 3]
    assert highest_orders([], 3) == [0, 0, 0]


def test_gradients_pass_through_both_ways(getkey, float64, tolerance):
    """What training needs: the derivative of a loss of derivatives by the parameters."""
    field, laplacian = field_of(2, getkey()), needs_of(2)[-1]
    axes = [np.linspace(*BOUNDS[k], 3) for k in range(2)]
    points = jnp.asarray(np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2))

    def by_jets(field):
        jets = [axis_jets(field, k, jnp.asarray(a)[:, None], 2) for k, a in enumerate(axes)]
        return jnp.sum(merge(jets, [laplacian])[laplacian] ** 2)

    def by_points(field):
        return jnp.sum(pointwise_values(field, points, [laplacian])[laplacian] ** 2)

    one, other = (jax.tree.leaves(jax.jit(jax.grad(f, allow_int=True))(field)) for f in (by_jets, by_points))
    assert math.fsum(leaf.size for leaf in one) == field.parameters
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, atol=1000 * tolerance * max(1.0, float(np.abs(b).max())))
