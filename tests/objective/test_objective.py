"""The loss against a naive computation, exact integrals and exact solutions."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy
from sympy import cos, exp, pi, sin

import spindle as spd
from spindle.networks.activations import cos as cos_of
from spindle.networks.activations import exp as exp_of
from spindle.networks.activations import sin as sin_of
from spindle.networks.embeddings import Raw
from spindle.networks.fields import BoundaryFactor, PointwiseField, SeparableField
from spindle.networks.model import Model
from spindle.networks.taylor import concatenate

x, y = spd.coordinates("x y")
u = spd.unknown("u", x, y)
BOX = spd.Box({x: (0, 1), y: (0, 2)})
SMALL = {"scales": "off", "width": 4, "hidden_layers": 1, "dtype": "float64", "activation": "tanh"}

# ------------------------------------------------------------------------------- a problem, and the same by hand

a, nu = spd.parameter("a", 1.5, unknown=True), spd.parameter("nu", 0.25)
POINTS = np.array([[0.5, 0.5], [0.25, 1.5], [1.0, 2.0]])
VALUES, NOISE = np.array([1.0, -2.0, 0.5]), 0.1
WEIGHTS = {"equation": 2.0, "neumann u": 10.0, "observed u_x": 0.5}
PROBLEM = spd.Problem(
    BOX,
    [sympy.Eq(u.diff(x, 2) + 2 * u.diff(y, 2) + a * sin(x) * y * u**2, nu * u.diff(x, y) + x)],
    [
        spd.Dirichlet(u, cos(y), on="x=0"),
        spd.Neumann(u, x + y, on=["x=1", "y=2"]),
        spd.Periodic(u.diff(x), y)[0],
        spd.Observed(u.diff(x), POINTS, VALUES, noise=NOISE),
    ],
)


@eqx.filter_jit
def derivatives(field, points, hard):
    """u, its gradient and its Hessian at points, by nested forward differentiation; u = cos(y) + field where hard."""

    def value(p):
        return field(p[None])[0, 0] + (jnp.cos(p[1]) if hard else 0.0)

    return [jax.vmap(f)(points) for f in (value, jax.jacfwd(value), jax.jacfwd(jax.jacfwd(value)))]


def naive_mean_squares(model, places, weights, hard, faces):
    """Mean square of each residual in plain NumPy.

    places    points of the box, of x=0, x=1, y=2, y=2 and y=0
    weights   of each point, of sum one for each place
    """
    stacked = derivatives(model.field, jnp.asarray(np.concatenate([*places, POINTS])), hard)
    cuts = np.cumsum([len(p) for p in places])
    v, g, h = ([np.asarray(part) for part in np.split(values, cuts)] for values in stacked)
    inside, left, right, top = 0, 1, 2, 3
    upper, lower, measured = 4, 5, 6
    px, py = places[inside].T
    curved = h[inside][:, 0, 0] + 2 * h[inside][:, 1, 1] - 0.25 * h[inside][:, 0, 1]
    residual = curved + float(model.parameters["a"]) * np.sin(px) * py * v[inside] ** 2 - px
    found = {"equation": np.sum(weights[inside] * residual**2)}
    if not hard:
        found["dirichlet u"] = np.sum(weights[left] * (v[left] - np.cos(places[left][:, 1])) ** 2)
    on_right = np.sum(weights[right] * (g[right][:, 0] - places[right].sum(axis=1)) ** 2)
    on_top = np.sum(weights[top] * (g[top][:, 1] - places[top].sum(axis=1)) ** 2)
    found["neumann u"] = on_right + on_top if faces == "sum" else (2 * on_right + 1 * on_top) / 3
    found["periodic u_x in y"] = np.sum(weights[upper] * (g[upper][:, 0] - g[lower][:, 0]) ** 2)
    found["observed u_x"] = np.mean(((g[measured][:, 0] - VALUES) / NOISE) ** 2)
    return found


def tensor_points(rule, counts=(3, 4)):
    """The places of a lattice, made without it: nodes on [0, 1] x [0, 2] and on the sides."""

    def nodes(low, high, n):
        if rule == "gauss":
            z, w = np.polynomial.legendre.leggauss(n)
            return (low + high) / 2 + (high - low) / 2 * z, w / 2
        return np.linspace(low, high, n), np.full(n, 1 / n)

    axes = {"x": nodes(0, 1, counts[0]), "y": nodes(0, 2, counts[1])}
    sides = [{}, {"x": 0.0}, {"x": 1.0}, {"y": 2.0}, {"y": 2.0}, {"y": 0.0}]
    points, weights = [], []
    for fixed in sides:
        pair = [(np.array([fixed[c]]), np.ones(1)) if c in fixed else axes[c] for c in "xy"]
        points.append(np.stack(np.meshgrid(*(n for n, _ in pair), indexing="ij"), -1).reshape(-1, 2))
        weights.append(np.outer(*(w for _, w in pair)).ravel())
    return points, weights


def cloud_points(drawn, hard):
    """The places of a cloud as it was drawn; a face that holds exactly has no points, and needs none."""
    clouds = [np.asarray(c) for c in drawn]
    clouds = [clouds[0], np.zeros((0, 2)), *clouds[1:5]] if hard else clouds[:6]
    return clouds, [np.full(len(c), 1 / max(1, len(c))) for c in clouds]


METHODS = {
    "spinn, gauss": (spd.SPINN(points=(3, 4), sampling="gauss", rank=2, hard="all", **SMALL), True),
    "spinn, uniform, sum": (
        spd.SPINN(points=(3, 4), sampling="uniform", rank=2, hard="off", faces="sum", **SMALL),
        False,
    ),
    "pinn, sobol": (spd.PINN(points=(3, 4), sampling="sobol", hard="auto", **SMALL), True),
    "pinn, random, sum": (spd.PINN(points=(3, 4), sampling="random", hard="off", faces="sum", **SMALL), False),
}


@pytest.mark.parametrize("name", METHODS)
def test_loss_is_the_naive_one(name, getkey, float64):
    method, hard = METHODS[name]
    plan = method.plan(PROBLEM)
    objective, model = plan.objective, plan.build(getkey())
    drawn = jax.jit(objective.draw)(getkey())
    points, weights = tensor_points(method.sampling) if isinstance(method, spd.SPINN) else cloud_points(drawn[0], hard)
    expected = naive_mean_squares(model, points, weights, hard, method.faces)
    assert objective.names == tuple(expected)

    given = objective.weights(WEIGHTS)
    squares, loss, rows = jax.jit(
        lambda m, p: (objective.mean_squares(m, p), objective.loss(m, p, given), objective.rows(m, p))
    )(model, drawn)
    assert {k: float(v) for k, v in squares.items()} == {k: pytest.approx(v, rel=1e-9) for k, v in expected.items()}
    assert float(loss) == pytest.approx(sum(WEIGHTS.get(k, 1.0) * v for k, v in expected.items()), rel=1e-9)

    # Stacked, the weighted rows are one vector whose squared length is the loss: what Gauss-Newton needs.
    vector = np.concatenate([np.ravel(np.sqrt(given[k]) * row) for k, many in rows.items() for row in many])
    assert vector @ vector == pytest.approx(float(loss), rel=1e-12)


def test_gradients_are_those_of_the_naive_loss(getkey, float64):
    """Along a random direction of all parameters, against central differences of the naive computation."""
    method, hard = METHODS["spinn, gauss"]
    plan = method.plan(PROBLEM)
    objective, model = plan.objective, plan.build(getkey())
    drawn, (points, weights) = jax.jit(objective.draw)(getkey()), tensor_points("gauss")
    arrays, static = eqx.partition(model, eqx.is_inexact_array)
    leaves, tree = jax.tree.flatten(arrays)
    direction = [np.random.default_rng(k).normal(size=leaf.shape) for k, leaf in enumerate(leaves)]

    def naive(step):
        moved = [leaf + step * d for leaf, d in zip(leaves, direction, strict=True)]
        model = eqx.combine(jax.tree.unflatten(tree, moved), static)
        return naive_mean_squares(model, points, weights, hard, "mean")["equation"]

    gradient = jax.jit(jax.grad(lambda m: objective.mean_squares(eqx.combine(m, static), drawn)["equation"]))(arrays)
    gradient = jax.tree.leaves(gradient)
    slope = sum(float(jnp.sum(g * d)) for g, d in zip(gradient, direction, strict=True))
    assert slope == pytest.approx((naive(1e-6) - naive(-1e-6)) / 2e-6, rel=1e-5)
    norms = jax.jit(objective.gradient_norms)(model, drawn)
    assert float(norms["equation"]) == pytest.approx(np.sqrt(sum(float(jnp.sum(g * g)) for g in gradient)), rel=1e-9)


# --------------------------------------------------------------------------------------------------- exact fields


class Power(eqx.Module):
    """x^n, on arrays and on jets."""

    n: int = eqx.field(static=True)

    def __call__(self, x):
        value = x
        for _ in range(self.n - 1):
            value = value * x
        return value


def separable(*bodies, axes=2):
    free = (tuple(BoundaryFactor((), 1.0) for _ in range(axes)),)
    return SeparableField((Raw(1),) * axes, bodies, free, 1)


ROOM = BOX - spd.Box({x: (sympy.Rational(1, 2), 1), y: (1, 2)})


@pytest.mark.parametrize("domain", [BOX, ROOM], ids=["box", "room"])
def test_gauss_points_integrate_over_domain_and_boundary(domain, getkey, float64):
    """With u = x^2 y^3 the mean squares are integrals of polynomials, which SymPy knows."""
    exact = x**2 * y**3
    problem = spd.Problem(domain, [u.diff(x, y) - u], [spd.Neumann(u, 1), spd.Dirichlet(u, y, on="y=2")])
    plan = spd.SPINN(points=(4, 5), sampling="gauss", hard="off", faces="mean", **SMALL).plan(problem)
    model = Model(separable(Power(2), Power(3)), {})
    squares = jax.jit(lambda points: plan.objective.mean_squares(model, points))(jax.jit(plan.objective.draw)(getkey()))

    def mean(expression, pieces):
        whole, size = 0, 0
        for bounds, value in pieces:
            value, measure = (value**2 if expression is None else expression**2), 1
            for c, (low, high) in zip((x, y), bounds, strict=True):
                ends = [sympy.nsimplify(e) for e in (low, high)]
                value = value.subs(c, ends[0]) if low == high else sympy.integrate(value, (c, *ends))
                measure *= ends[1] - ends[0] if low < high else 1
            whole, size = whole + value, size + measure
        return float(whole / size)

    walls = [(f.bounds, f.outward * exact.diff((x, y)[f.axis]) - 1) for f in domain.faces]
    expected = {
        "equation": mean(exact.diff(x, y) - exact, [(b, None) for b in domain.boxes]),
        "neumann u": mean(None, walls),
        "dirichlet u": mean(None, [(f.bounds, exact - y) for f in domain.part("y=2")]),
    }
    assert {k: float(v) for k, v in squares.items()} == {k: pytest.approx(v, rel=1e-11) for k, v in expected.items()}


EXACT = exp(-x) * cos(pi * y)
SOLVED = spd.Problem(
    BOX,
    [
        sympy.Eq(
            spd.div((1 + u**2) * spd.grad(u)) - u.diff(x),
            spd.manufactured(spd.div((1 + u**2) * spd.grad(u)) - u.diff(x), {u: EXACT}),
        )
    ],
    [
        spd.Dirichlet(u, EXACT, on="x=0"),
        spd.Robin(u, 2, 3, 2 * EXACT + 3 * EXACT.diff(x), on="x=1"),
        spd.Neumann(u, 0, on=["y=0", "y=2"]),
        spd.Periodic(u, y),
        spd.Observed(u.diff(x, y), POINTS, [float(EXACT.diff(x, y).subs({x: p, y: q})) for p, q in POINTS], noise=1e-3),
    ],
    {u: EXACT},
)


class Exact(eqx.Module):
    """exp(-x) cos(pi y) of both coordinates."""

    def __call__(self, h):
        return concatenate([exp_of(-h[:, :1]) * cos_of(np.pi * h[:, 1:])])


class Of(eqx.Module):
    """f(a x + b)."""

    function: object = eqx.field(static=True)
    factor: float
    shift: float = 0.0

    def __call__(self, x):
        return self.function(x * self.factor + self.shift)


SOLUTIONS = {
    "spinn": (
        spd.SPINN(points=5, sampling="random", hard="off", **SMALL),
        separable(Of(exp_of, -1.0), Of(sin_of, np.pi, np.pi / 2)),
    ),
    "pinn": (
        spd.PINN(points=5, sampling="sobol", hard="off", **SMALL),
        PointwiseField(Raw(2), Exact(), (tuple(BoundaryFactor((), 1.0) for _ in range(2)),), 1),
    ),
}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_an_exact_solution_has_no_residual(name, getkey, float64):
    method, field = SOLUTIONS[name]
    objective = method.plan(SOLVED).objective
    points = jax.jit(objective.draw)(getkey())
    values = jax.jit(lambda points: objective.evaluate(Model(field, {}), points))(points)
    assert set(values) == {e.name for e in SOLVED.equations} | {c.name for c in SOLVED.conditions}
    for residual, pieces in values.items():
        for piece in pieces:
            bound = 1e-7 if residual.startswith("observed") else 1e-10  # measurements are divided by the noise
            assert np.abs(piece).max() < bound, residual


def test_estimated_parameters_are_trained_and_constants_are_not():
    plan = spd.PINN(points=4, **SMALL).plan(PROBLEM)
    assert [p.name for p in plan.objective.tunable] == ["a"]
    model = plan.build(jax.random.PRNGKey(0))
    assert {name: float(value) for name, value in model.parameters.items()} == {"a": 1.5}


def test_weights_are_one_unless_given_and_little_for_measurements_of_known_noise():
    objective = spd.PINN(points=4, hard="auto", **SMALL).plan(PROBLEM).objective
    assert "dirichlet u" not in objective.names
    found = objective.weights({"equation": 3, "dirichlet u": 5})  # the latter holds exactly: accepted, without effect
    assert found == {"equation": 3.0, "neumann u": 1.0, "periodic u_x in y": 1.0, "observed u_x": 1e-3}
    (noisy,) = (c for c in PROBLEM.conditions if c.name == "observed u_x")
    nearly_exact = replace(noisy, noise=1e-4 * np.sqrt(np.mean(noisy.values**2)))
    conditions = [nearly_exact if c is noisy else c for c in PROBLEM.conditions]
    posed = spd.PINN(points=4, hard="auto", **SMALL).plan(replace(PROBLEM, conditions=conditions)).objective
    assert posed.weights({}, 1.0)["observed u_x"] == pytest.approx(1e-8), "as a condition on the values themselves"


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        ({"equaton": 1.0}, r"`weights` names the residual `equaton`, which does not exist. Did you mean `equation`\?"),
        *(({"equation": bad}, "a weight is a positive finite number") for bad in (0.0, -1.0)),
        *(({"equation": bad}, "needs a number for each residual it names") for bad in (np.nan, np.inf)),
    ],
)
def test_wrong_weights_are_explained(weights, text):
    with pytest.raises(spd.MethodError, match=text):
        spd.PINN(points=4, weights=weights, **SMALL).plan(PROBLEM)
