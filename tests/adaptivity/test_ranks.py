"""A family whose rank grows stays the same family until it is trained on."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sympy import Eq

import spindle as spd
from spindle.adaptivity.ranks import MoreCoefficients, MoreProducts
from spindle.networks.model import Model
from spindle.training.precision import precision
from tests.families import SMALL, convection, planned


@pytest.mark.parametrize("biases", [pytest.param("plain", marks=pytest.mark.slow), "factored", "off"])
def test_no_member_changes(biases):
    with precision("float64"):
        _, field = planned(convection(), biases=biases)
        grown = MoreCoefficients(3).apply(Model(field, {}), 3).field
        assert grown.network.ranks == (7, 7)
        points = jnp.asarray(np.random.default_rng(0).uniform(1, 2, (40, 3)))
        np.testing.assert_allclose(grown(points), field(points), rtol=0, atol=1e-13)
        for layer in grown.network.hidden:
            basis = np.asarray(layer.right)
            np.testing.assert_allclose(basis[:, 4:].T @ basis, np.eye(7)[4:], atol=1e-12)
        # What was added moves as soon as it is trained.
        slope = jax.grad(lambda left: jnp.sum(_with_left(grown, left)(points) ** 2))(grown.network.hidden[0].left)
        assert np.all(np.abs(slope[:, 4:]).max(0) > 0)


def _with_left(field, left):
    return eqx.tree_at(lambda f: f.network.hidden[0].left, field, left)


@pytest.mark.parametrize("network", ["mlp", "modified"])
def test_more_products_change_nothing_but_can_be_fitted(network):
    """Two unknowns: each keeps its products, and the first factors of the new ones move with the first step."""
    x, y = spd.coordinates("x y")
    u, v = spd.unknown("u v", x, y)
    equations = [Eq(u.diff(x) + v, 1), Eq(v.diff(y) - u, x)]
    problem = spd.Problem(domain=spd.Box({x: (0, 1), y: (0, 1)}), equations=equations, conditions=[spd.Dirichlet(u, y)])
    plan = spd.SPINN(network=network, width=4, rank=2, points=4, hard="off").plan(problem)
    with precision("float64"):
        model = plan.build(jax.random.PRNGKey(0))
        larger = MoreProducts(2, 5).apply(model, 5)
        points = jnp.asarray(np.random.default_rng(0).uniform(size=(20, 2)))
        np.testing.assert_array_equal(larger.field(points), model.field(points))
        assert larger.field.bodies[0].output.weight.shape == (4, 10)

        def size(weight):
            changed = eqx.tree_at(lambda m: m.field.bodies[0].output.weight, larger, weight)
            return jnp.sum(changed.field(points) ** 2, axis=0)

        for unknown, slopes in enumerate(jax.jacrev(size)(larger.field.bodies[0].output.weight)):
            assert np.all(np.abs(slopes[:, 5 * unknown + 2 : 5 * unknown + 5]).max(0) > 0)


@pytest.mark.slow
def test_the_rank_grows_and_is_stored(tmp_path):
    method = spd.LRPINN(**(SMALL | {"rank": "auto", "newton_steps": 12}))
    solution = spd.solve(convection(), method, progress=False, out=tmp_path / "run")
    assert [entry["what"] for entry in solution.run.grown][:1] == ["4 more coefficients of each low-rank layer"]
    assert solution.model.field.network.ranks[0] in (10, 14)
    again = spd.load(tmp_path / "run")
    np.testing.assert_array_equal(again.grid(t=3, x=5, beta=3), solution.grid(t=3, x=5, beta=3))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"rank": "full"}, r"`spd.LRPINN\(rank='full'\)` is neither a number of coefficients nor 'auto'"),
        ({"rank": "auto", "sparsity": 1e-3}, r"rank='auto'\)` grows by .* without `orthogonality` or `sparsity`"),
        ({"rank": "auto", "newton_steps": 0, "steps": 5}, r"rank='auto'\)` grows by Gauss-Newton steps"),
    ],
)
def test_what_cannot_grow_is_refused(settings, text):
    with pytest.raises(spd.MethodError, match=text):
        spd.solve(convection(), spd.LRPINN(**(SMALL | settings)))
