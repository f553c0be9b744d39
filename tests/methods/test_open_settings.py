"""Where a word is taken, an object is: networks, optimizers, schedules; what is refused, and what is stored of them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import spindle as spd
from spindle.training.optimizers.adam import Adam, Transformed

x, y = spd.coordinates("x y")
f = spd.unknown("f", x)
LINE = spd.Problem(spd.Interval(x, 0, 1), [f.diff(x, 2) + 1], [spd.Dirichlet(f)], name="line")


def network(key):
    return eqx.nn.MLP(1, 1, 4, 1, jnp.tanh, key=key)


def other(key):
    return eqx.nn.MLP(1, 1, 4, 1, jnp.sin, key=key)


RATE = optax.cosine_decay_schedule(1e-2, 4)
METHOD = spd.PINN(network=network, optimizer=optax.lion, learning_rate=RATE, steps=4, lbfgs_steps=0, points=4)
PARTS = {"network": network, "optimizer": optax.lion, "learning_rate": RATE}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("runs") / "line"
    return spd.solve(LINE, METHOD, out=directory, progress=False), directory


def test_a_run_with_parts_of_ones_own_is_read_and_continued_with_them(run):
    solution, directory = run
    values = solution(x=[0.2, 0.7])
    assert np.all(np.isfinite(values))
    np.testing.assert_array_equal(spd.load(directory, given=PARTS)(x=[0.2, 0.7]), values)
    again = spd.resume(directory, given=PARTS, progress=False)
    np.testing.assert_array_equal(again(x=[0.2, 0.7]), values)
    assert solution.record()["settings"]["network"] == f"{__name__}.network"
    assert "width" not in solution.record()["settings"]


def test_a_run_without_them_or_with_others_says_so(run):
    _, directory = run
    with pytest.raises(spd.RunError, match=r"has as its `network` code that no file holds.*given={'network': \.\.\.}"):
        spd.load(directory)
    with pytest.raises(spd.RunError, match=r"`given` has .*other.*would continue another run"):
        spd.load(directory, given=PARTS | {"network": other})
    with pytest.raises(spd.RunError, match="holds another run"):
        spd.solve(LINE, spd.PINN(**{**METHOD.as_dict(), "network": other}), out=directory, progress=False)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"network": network, "width": 8}, r"network=..., width=...\)` has no use for `width`"),
        ({"network": 3}, r"network=3\)` is not known"),
        ({"optimizer": "sgd"}, "needs a gradient transformation such as"),
        ({"optimizer": optax.sgd(1e-2), "learning_rate": 1e-3}, "has no use for `learning_rate`"),
        ({"optimizer": optax.sgd(1e-2), "steps": 0}, "would take no step of it"),
        ({"learning_rate": RATE, "schedule": "cosine"}, "has no use for `schedule`"),
        ({"optimizer": lambda rate: rate}, "and not a gradient transformation"),
        ({"activation": 3}, "needs a word, or a function of arrays"),
    ],
)
def test_what_does_not_go_together_is_refused(settings, text):
    with pytest.raises(spd.MethodError, match=text):
        spd.PINN(**settings).plan(LINE)


def test_methods_whose_networks_are_of_one_kind_refuse_others():
    for method in (spd.SPINN(network=network), spd.FastLRNR(network=network)):
        with pytest.raises(spd.MethodError, match="is not known"):
            method.resolved(LINE)


class _Parabola:
    """|theta - 1|^2."""

    def loss(self, theta):
        return jnp.sum((theta - 1) ** 2)


def test_a_transformation_takes_its_own_steps():
    """Gradient descent halves the distance at a rate of a quarter; Adam by name and as a function are the same."""
    descent, theta = Transformed(optax.sgd(0.25)), jnp.zeros(2)
    moved, _, loss = descent.step(_Parabola(), theta, descent.start(theta))
    np.testing.assert_allclose(moved, 0.5)
    assert float(loss) == 2.0
    one, two = Adam(10, 1e-2, "cosine"), Transformed(optax.adam, 10, 1e-2, "cosine")
    ends = []
    for optimizer in (one, two):
        theta, state = jnp.zeros(2), optimizer.start(jnp.zeros(2))
        for _ in range(3):
            theta, state, _ = optimizer.step(_Parabola(), theta, state)
        ends.append(theta)
    np.testing.assert_array_equal(*ends)


@pytest.mark.slow
def test_a_line_search_is_told_the_loss():
    search = Transformed(optax.lbfgs())
    theta = jnp.zeros(2)
    state = search.start(theta)
    for _ in range(3):
        theta, state, _ = search.step(_Parabola(), theta, state)
    np.testing.assert_allclose(theta, 1.0, atol=1e-5)


def test_modules_may_be_given_as_they_are():
    module = network(jax.random.PRNGKey(5))
    model = spd.PINN(network=module, points=4).plan(LINE).build(jax.random.PRNGKey(0))
    np.testing.assert_array_equal(model.field.body.trained.layers[0].weight, module.layers[0].weight)
