"""Standard errors of estimated parameters: against closed forms, and against repeated draws of the noise."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sympy import exp

import spindle as spd
from spindle.objective.laplace import gauss_newton_matrix
from spindle.objective.least_squares import LeastSquares
from spindle.results.uncertainty import _with_error, laplace
from spindle.training.optimizers.gauss_newton import GaussNewton
from tests.solutions import untrained

t, x = spd.coordinates("t x")
f = spd.unknown("f", t)
k = spd.parameter("k", 1.0, unknown=True)
a = spd.parameter("a", 1.0, unknown=True)
TIMES, NOISE = np.linspace(0.05, 1, 20), 0.02
PLAIN = spd.PINN(points=24, width=8, hidden_layers=1, steps=0, lbfgs_steps=0, newton_steps=40)


def decay(seed=0, *, stated=True, start=1):
    values = np.exp(-2 * TIMES) + NOISE * np.random.default_rng(seed).normal(size=len(TIMES))
    observed = spd.Observed(f, {t: TIMES}, values, noise=NOISE if stated else None)
    return spd.Problem(
        spd.Interval(t, 0, 1), [f.diff(t) + k * f], [spd.Initial(f, start), observed], name="decay",
        reference={f: exp(-2 * t)},
    )  # fmt: skip


def deviation(rate):
    """Of k in exp(-k t), by linear least squares."""
    return NOISE / np.linalg.norm(TIMES * np.exp(-rate * TIMES))


@pytest.fixture(scope="module")
def solved():
    return spd.solve(decay(), PLAIN, progress=False)


def test_the_standard_error_is_that_of_least_squares(solved):
    known = solved.uncertainty()
    rate = solved.parameters["k"]
    assert np.sqrt(known.posterior[0, 0]) == pytest.approx(deviation(rate), rel=0.03)
    assert known.deviations["k"] >= np.sqrt(known.posterior[0, 0])
    assert known.noise == {"observed f": NOISE}
    assert known.correlations == pytest.approx(np.ones((1, 1)))
    low, high = known.interval("k")
    assert high - rate == pytest.approx(1.645 * known.deviations["k"], rel=1e-3)
    assert low == pytest.approx(2 * rate - high)
    points = np.array([[0.3], [0.9]])
    np.testing.assert_allclose(
        known.of(f, points), points[:, 0] * np.exp(-rate * points[:, 0]) * known.deviations["k"], rtol=0.02
    )
    text = str(known).splitlines()
    assert text[0] == f"k = {rate:.3f} ± {known.deviations['k']:.3f}"
    assert text[1] == "noise of observed f: 0.02, as stated"


def test_forward_problems_have_nothing_to_tell():
    forward = untrained(spd.Problem(spd.Interval(t, 0, 1), [f.diff(t) + f], [spd.Initial(f, 1)], name="forward"))
    with pytest.raises(
        spd.MethodError, match=r"`forward` has none; mark them, `spd.parameter\('k', 1, unknown=True\)`"
    ):
        forward.uncertainty()


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.3, 0.0021, "0.3000 ± 0.0021"),
        (12.34567, 0.5, "12.35 ± 0.50"),
        (1234.5, 30.0, "1234 ± 30"),
        (3e-5, 2e-7, "0.00003000 ± 0.00000020"),
        (1.0, float("inf"), "1 ± inf"),
        (1e20, 1e18, "1e+20 ± 1e+18"),
    ],
)
def test_a_value_is_said_to_the_digits_that_its_error_leaves(value, error, text):
    assert _with_error(value, error) == text


def estimates(stated, draws):
    """For each draw of the noise the estimate and its standard error, by one compiled training from near the truth."""
    solved = spd.solve(decay(stated=stated), PLAIN, progress=False)
    objective, (arrays, static) = solved.plan.objective, eqx.partition(solved.model, eqx.is_inexact_array)
    (condition,) = (r for r in objective.residuals if r.name == "observed f")
    support, newton = condition.pieces[0][0].support, GaussNewton(100)
    weights = {name: jnp.asarray(w) for name, w in solved.plan.weights.items()}
    drawn = objective.draw(jax.random.PRNGKey(0))

    def with_values(values):
        return drawn._replace(coefficients={**drawn.coefficients, support: (values, *drawn.coefficients[support][1:])})

    @jax.jit
    def trained(values):
        problem = LeastSquares(objective, static, with_values(values), weights)

        def step(carried):
            number, arrays, state = carried
            arrays, state, _ = newton.step(problem, arrays, state)
            return number + 1, arrays, state

        start = (0, arrays, newton.start(arrays))
        return jax.lax.while_loop(lambda c: (c[0] < newton.steps) & ~newton.finished(c[2]), step, start)[1]

    for seed in range(draws):
        values = jnp.asarray(decay(seed).conditions[1].values)
        model = eqx.combine(trained(values), static)
        matrix = gauss_newton_matrix(objective, model, with_values(values), solved.plan.weights)
        yield laplace({"observed f": NOISE if stated else None}, matrix, solved.evaluator, model)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::spindle.SolveWarning")
@pytest.mark.parametrize("stated", [True, False])
def test_intervals_cover_the_truth_as_often_as_they_say(stated):
    """100 draws of the noise, intervals of 90 %: 80 to 97, three standard deviations of that count."""
    with jax.enable_x64(True):
        known = list(estimates(stated, 100))
    held = sum(low <= 2 <= high for low, high in (one.interval("k") for one in known))
    assert 80 <= held <= 97
    spread = np.std([one.parameters["k"] for one in known])
    assert np.mean([one.deviations["k"] for one in known]) == pytest.approx(spread, rel=0.25)
