"""The last coefficients say which axes are resolved: the same for both forms of a field, parities, shifts and units."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sympy import Eq, sin

import spindle as spd
from spindle.adaptivity.refinements import FullTensor, ResizeBasis, _wanted, decays, tail
from spindle.gallery.registry import gallery
from spindle.results.evaluator import Evaluator
from spindle.results.resolution import in_sentences, unresolved
from spindle.training.precision import precision

x, y = spd.coordinates("x y")
u = spd.unknown("u", x, y)


def decay_of(coefficients):
    energies = np.asarray(coefficients, float) ** 2
    return np.sqrt(np.cumsum(energies[::-1])[::-1] / energies.sum())


@pytest.mark.parametrize("odd", [0, 1])
@pytest.mark.parametrize("width", [12, 24, 27, 40])
@pytest.mark.parametrize("rate", [0.02, 0.2])
def test_even_and_odd_functions_get_more_features_alike(width, rate, odd):
    """Every second coefficient of such functions is zero, perhaps the last one."""
    degrees = np.arange(width)
    plain = decay_of(np.exp(-rate * degrees))
    halved = decay_of(np.where(degrees % 2 == odd, np.exp(-rate * degrees), 0))
    assert _wanted(plain, 1e-9) > 1.4 * width
    assert abs(_wanted(halved, 1e-9) - _wanted(plain, 1e-9)) <= 4


def test_what_is_below_the_target_shrinks():
    assert _wanted(decay_of(np.exp(-4.0 * np.arange(40))), 1e-9) < 20


def field_of(problem, **settings):
    plan = spd.SPINN(**settings).plan(problem)
    return plan, plan.build(jax.random.PRNGKey(0))


def test_on_one_axis_terms_add_up_to_one_function(float64):
    v = spd.unknown("v", x)
    problem = spd.Problem(spd.Interval(x, 0, 1), [Eq(v.diff(x, 2), sin(x))], [spd.Dirichlet(v, 0)])
    with precision("float64"):
        _, model = field_of(problem, width=9, rank=3, newton_steps=0, steps=1)
        (shares,) = decays(model.field)
        (body,) = model.field.bodies
        np.testing.assert_allclose(shares, decay_of(np.sum(body.weight, axis=1)), rtol=1e-12)


@pytest.mark.parametrize("name", ["poisson2d", "convection", "kovasznay"])
def test_shares_do_not_depend_on_the_form(name, float64):
    with precision("float64"):
        problem = gallery(name)
        _, model = field_of(problem, width=14, rank=5)
        design = FullTensor(problem, lambda widths: None)
        full = design.apply(model, {"widths": None, "afresh": False})
        for one, other in zip(decays(model.field), decays(full.field), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-12)
            assert one[0] == pytest.approx(1)
            assert np.all(np.diff(one) <= 1e-12)


def test_shares_do_not_depend_on_units(float64):
    with precision("float64"):
        _, model = field_of(gallery("poisson2d"), width=14, rank=5)
        larger = eqx.tree_at(lambda m: m.field.bodies[0].weight, model, 1e6 * model.field.bodies[0].weight)
        for one, other in zip(decays(model.field), decays(larger.field), strict=True):
            np.testing.assert_allclose(one, other)


def test_more_features_are_tried_wherever_the_last_coefficients_are_large(float64):
    """Coefficients that hardly decay, on one axis: what more gain is expected from them does not matter."""
    with precision("float64"):
        problem = gallery("poisson2d")
        _, model = field_of(problem, width=16, rank="full")
        finer = ResizeBasis(problem, lambda widths: None, lambda widths: None, most=10_000)
        series = np.exp(-3.0 * np.arange(16))[:, None] / (1 + np.arange(16)) ** 0.5
        first, second = (body.basis(1) for body in model.field.bodies)
        series = jnp.asarray(np.linalg.solve(first, series) @ np.linalg.inv(second).T)[None]
        model = eqx.tree_at(lambda m: m.field.coefficients, model, series)
        widths = finer.decide(model, reached=0.1)
        assert widths is not None and widths[1] == 32 and widths[0] <= 16


def test_an_axis_that_is_not_resolved_is_named(float64):
    """Of a field whose coefficients are random, nothing is resolved; of a smooth one everything is."""
    problem = spd.Problem(
        domain=spd.Box({x: (0, 1), y: (0, 1)}), equations=[Eq(u.diff(x, 2) + u.diff(y, 2), sin(x * y))],
        conditions=[spd.Dirichlet(u, 0)],
    )  # fmt: skip
    with precision("float64"):
        plan, model = field_of(problem, width=20, rank=3)
        rough = eqx.tree_at(lambda m: m.field.bodies[0].weight, model, jnp.ones_like(model.field.bodies[0].weight))
        evaluator = Evaluator(problem, plan)
        found, share = unresolved(evaluator, rough), tail(decays(rough.field)[0])
        assert found == {"x": pytest.approx(share)}
        (sentence,) = in_sentences(evaluator, rough, found)
        assert sentence.startswith("axis x is not resolved: the last tenth of its 20 features still hold 3e-01 of the")
        assert unresolved(evaluator, model) == {} and in_sentences(evaluator, model, {}) == []


def test_learned_features_have_no_last_ones(float64):
    with precision("float64"):
        plan, model = field_of(gallery("poisson2d"), network="mlp", width=8, rank=2, steps=1)
        assert unresolved(Evaluator(gallery("poisson2d"), plan), model) == {}
