"""Thin layers in problems: as reference, source, coefficient and boundary value, however their thickness is said."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy
from sympy import Eq, cosh, exp, sinh

import spindle as spd
from spindle.gallery.registry import GALLERY, gallery
from spindle.lowering.compile import array_function, with_constants
from spindle.lowering.separation import separate
from spindle.symbolic import functions
from spindle.symbolic.functions import evaluate
from spindle.symbolic.symbols import Parameter

x, y = spd.coordinates("x y")
u = spd.unknown("u", x, y)
THICKNESS = {
    "float": float,
    "SymPy's float": lambda eps: sympy.Float(eps, 30),
    "parameter": lambda eps: spd.parameter("eps", eps),
}
# Layers at 1 and at 0, each with what it is to all digits where 1/eps is in the thousands.
ENDS = {
    "right": (lambda e: exp((x - 1) / e), lambda p: p - 1),
    "left": (lambda e: exp((1 - x) / e) / exp(1 / e), lambda p: -p),
    "right, sinh": (lambda e: sinh(x / e) / sinh(1 / e), lambda p: p - 1),
    "left, cosh": (lambda e: cosh((1 - x) / e) / cosh(1 / e), lambda p: -p),
}


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


@pytest.fixture(params=THICKNESS)
def thickness(request):
    return THICKNESS[request.param]


@pytest.fixture(params=ENDS)
def layer(request):
    return ENDS[request.param]


def at_the_end(exponent, eps):
    """Random points within the layer, with the values there."""
    depth = eps * np.random.default_rng(0).exponential(3, 50)
    points = np.append(depth if exponent(1.0) else 1 - depth, [0.0, 0.5, 1.0])
    return points, np.exp(exponent(points) / eps)


@pytest.mark.parametrize("eps", [1e-3, 1e-6, 1e-8])
def test_a_layer_is_a_reference_a_boundary_value_and_a_coefficient(layer, thickness, eps):
    closed, exponent = layer[0](thickness(eps)), layer[1]
    points, value = at_the_end(exponent, eps)
    rounding = 1e-13 + 4e-16 / eps
    problem = spd.Problem(
        domain=spd.Box({x: (0, 1), y: (0, 1)}),
        equations=[Eq(spd.laplacian(u) - closed * u, -(closed**2))],
        conditions=[spd.Dirichlet(u, closed, on=Eq(y, 0))],
        reference={u: closed},
    )
    found = evaluate(with_constants(problem.reference[u]), {x: points, y: np.full_like(points, 0.5)})
    np.testing.assert_allclose(found, value, rtol=0, atol=rounding)
    ((_, condition),) = problem.pieces[problem.conditions[0].name][0].terms
    for residual in (condition, closed * u - closed**2):
        function = array_function(residual, (x, y), [u])
        (need,) = function.needs
        left = function((points, np.zeros_like(points)), {need: jnp.asarray(value)})
        np.testing.assert_allclose(left, 0, atol=2 * rounding)


@pytest.mark.parametrize("eps", [1e-3, 1e-6, 1e-8])
def test_factors_of_one_coordinate_have_values(eps):
    """A product of a layer and another function separates into factors that floats hold."""
    ((constant, factors),) = separate(exp((x - 1) / eps) * sympy.sin(y), (x, y))
    points, value = at_the_end(lambda p: p - 1, eps)
    found = float(constant) * evaluate(dict(factors)[x], {x: points})
    np.testing.assert_allclose(found, value, atol=1e-12)
    # How much of exp(-2/eps) belongs to each of two layers, no rule of separation says.
    assert separate(exp((x - 1) / eps + (y - 1) / eps), (x, y)) is None or eps > 1e-3


def test_ordinary_references_keep_every_bit(monkeypatch):
    """The gallery's closed forms with and without what exponentials beyond the range of floats need."""
    for name in sorted(set(GALLERY) - {"boundary_layer"}):
        problem = gallery(name)
        if not isinstance(problem.reference, dict):
            continue
        random = np.random.default_rng(0)
        at = {
            c: random.uniform(*map(float, b), 20)
            for c, b in zip(problem.coordinates, problem.domain.bounds, strict=True)
        }
        forms = [with_constants(e) for e in problem.reference.values() if isinstance(e, sympy.Expr)]
        at |= {p: np.mean(p.bounds) for e in forms for p in e.atoms(Parameter) - set(at)}
        found = [evaluate(e, at) for e in forms]
        with monkeypatch.context() as plainly:
            plainly.setattr(functions, "leaves_range", lambda *_: False)
            for form, values in zip(forms, found, strict=True):
                np.testing.assert_array_equal(values, evaluate(form, at), err_msg=name)


@pytest.mark.parametrize("side", ["right", "left", "middle"])
@pytest.mark.parametrize("eps", [1e-1, 1e-3, 1e-6, 1e-8])
def test_the_gallerys_layers_have_references_and_residuals(side, eps):
    problem = gallery("boundary_layer", eps=eps, side=side)
    (u,), (reference,) = problem.unknowns, problem.reference.values()
    (x,) = problem.coordinates
    low, high = map(float, problem.domain.bounds[0])
    points = np.linspace(low, high, 201)
    assert np.isfinite(evaluate(with_constants(reference), {x: points})).all()
    (equation,) = problem.equations
    residual = array_function(spd.manufactured(equation.residual, {u: reference}), (x,))
    assert np.max(np.abs(residual([points], {}))) < 1e-6


def test_a_problem_file_says_a_layer_as_python_does(tmp_path):
    file = tmp_path / "layer.toml"
    file.write_text(
        'unknowns = "u"\ncoordinates = { x = [0, 1] }\nequations = ["-1e-6*diff(u, x, 2) + diff(u, x) = 1"]\n'
        'conditions = [{ dirichlet = "u = 0" }]\n'
        'reference = { u = "x - (exp((x - 1)/1e-6) - exp(-1e6))/(1 - exp(-1e6))" }\n'
    )
    problem = spd.read_problem(file)
    (reference,), (x,) = problem.reference.values(), problem.coordinates
    points, value = at_the_end(lambda p: p - 1, 1e-6)
    np.testing.assert_allclose(evaluate(with_constants(reference), {x: points}), points - value, rtol=0, atol=1e-13)
