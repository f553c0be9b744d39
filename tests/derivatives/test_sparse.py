"""Sparse products in both directions against SciPy, dense blocks against both."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spindle.derivatives.rbf_fd.sparse import Blocks, Stencils
from spindle.training.precision import precision

NODES, CENTRES, SIZE, OPERATORS = 83, 61, 9, 3


@pytest.fixture(scope="module")
def stencils():
    random = np.random.default_rng(0)
    idx = np.stack([random.permutation(NODES - 3)[:SIZE] for _ in range(CENTRES)])  # three nodes are in no stencil
    idx[::2, -1] = idx[::2, 0]  # as on interfaces, where a node counts for either side
    return Stencils.of(idx, random.normal(size=(OPERATORS, CENTRES, SIZE)), NODES)


def dense(stencils):
    return np.stack([stencils.matrix(k).toarray() for k in range(OPERATORS)])


@pytest.mark.parametrize("columns", [1, 4])
def test_products_are_those_of_scipy(stencils, columns):
    values = np.random.default_rng(1).normal(size=(NODES, columns))
    with precision("float64"):
        found = jax.jit(lambda u: stencils(u))(jnp.asarray(values))
    for k in range(OPERATORS):
        np.testing.assert_allclose(found[k], stencils.matrix(k) @ values, rtol=0, atol=1e-13 * SIZE)


def test_transposes_and_derivatives_are_those_of_the_matrix(stencils):
    random = np.random.default_rng(2)
    u, y = random.normal(size=(NODES, 2)), random.normal(size=(OPERATORS, CENTRES, 2))
    with precision("float64"):
        value, pull = jax.vjp(stencils, jnp.asarray(u))
        (back,) = pull(jnp.asarray(y))
        _, pushed = jax.jvp(stencils, (jnp.asarray(u),), (jnp.asarray(2 * u),))
        again = jax.linear_transpose(jax.linearize(stencils, jnp.asarray(u))[1], jnp.asarray(u))(jnp.asarray(y))[0]
        inner = float(jnp.sum(y * value)), float(jnp.sum(back * u))
    np.testing.assert_allclose(back, np.einsum("kmn,kmc->nc", dense(stencils), y), rtol=0, atol=1e-12)
    np.testing.assert_allclose(again, back, rtol=0, atol=1e-13)
    np.testing.assert_allclose(pushed, 2 * np.asarray(value), rtol=1e-14)
    assert inner[0] == pytest.approx(inner[1], rel=1e-13)


def test_no_gradient_scatters(stencils):
    """A scatter-add is serial on processors and slow under contention on GPUs."""

    def loss(u):
        return jnp.sum(stencils(u) ** 2)

    text = jax.jit(jax.grad(loss)).lower(jnp.ones((NODES, 1))).compile().as_text()
    operations = re.findall(r"= \S+ ([\w-]+)\(", text)
    assert "fusion" in operations or "gather" in operations
    assert "scatter" not in operations


def test_single_precision_stays_single(stencils):
    assert stencils(jnp.ones((NODES, 1), jnp.float32)).dtype == jnp.float32


@pytest.mark.parametrize(("size", "multiple"), [(7, 1), (16, 4), (CENTRES, 4)])
def test_blocks_hold_the_same_operators_and_the_value(stencils, size, multiple):
    rows = np.random.default_rng(3).permutation(NODES)[:CENTRES]
    columns, entries = Blocks.of(rows, stencils, size, multiple)
    values = np.random.default_rng(4).normal(size=(NODES, 5))
    found = np.einsum("bkru,bup->kbrp", entries, values[columns]).reshape(OPERATORS + 1, -1, 5)
    np.testing.assert_allclose(found[0, :CENTRES], values[rows], atol=1e-13)
    for k in range(OPERATORS):
        np.testing.assert_allclose(found[k + 1, :CENTRES], stencils.matrix(k) @ values, atol=1e-12)
    assert not found[:, CENTRES:].any()
    assert len(columns) <= multiple or len(columns) % multiple == 0
