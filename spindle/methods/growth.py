"""How a separable spectral field becomes a larger one that represents the same function, or nearly."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp

from spindle.lowering.partials import replace_partials
from spindle.networks.fields import SeparableField, TensorField
from spindle.networks.spectral import Modes
from spindle.objective.objective import Model
from spindle.problem.problem import Problem


def more_terms(outputs: int, rank: int) -> Callable[[Model], Model]:
    """Model -> the same with more separable terms, which start small and smooth."""

    def grow(model):
        size = 0.05 ** (1 / len(model.field.bodies))  # of one factor, so that the product has a twentieth
        keys = iter(jax.random.split(jax.random.PRNGKey(rank), len(model.field.bodies)))

        def wider(weight):
            features = weight.shape[0]
            old = weight.reshape(features, outputs, -1)
            new = jax.random.normal(next(keys), (features, outputs, rank - old.shape[-1]), weight.dtype)
            new = size * new * 0.5 ** jnp.arange(features)[:, None, None]
            return jnp.concatenate([old, new], axis=-1).reshape(features, -1)

        bodies = tuple(eqx.tree_at(lambda b: b.weight, body, wider(body.weight)) for body in model.field.bodies)
        return eqx.tree_at(lambda m: m.field.bodies, model, bodies)

    return grow


def full(problem: Problem) -> Callable[[Model], Model]:
    """Model -> the same with a coefficient for every product of features."""

    def grow(model):
        field, empty = model.field, zero_field(model.field, problem)
        factors = []
        for body, modes, embedding in zip(field.bodies, empty.bodies, field.embeddings, strict=True):
            own = jnp.linalg.solve(jnp.asarray(modes.basis(embedding.width), body.weight.dtype), body.weight)
            factors.append(own.reshape(own.shape[0], field.outputs, -1))
        names = "abcdefgh"[: len(factors)]
        formula = ",".join(f"{n}vr" for n in names) + "->v" + names
        coefficients = jnp.einsum(formula, *factors, optimize=True)
        return eqx.tree_at(lambda m: m.field, model, eqx.tree_at(lambda f: f.coefficients, empty, coefficients))

    return grow


def zero_field(field: SeparableField, problem: Problem) -> TensorField:
    """The full tensor of coefficients, all zero, of the features of a spectral field."""
    orders = _orders(problem)
    bodies = []
    for k, (body, (low, high)) in enumerate(zip(field.bodies, problem.domain.bounds, strict=True)):
        roots = field.factors[0][k].roots
        scaled = tuple(((2 * root - low - high) / (high - low), multiplicity) for root, multiplicity in roots)
        bodies.append(Modes(len(body.weight), orders[k], scaled, field.outputs))
    shape = (field.outputs, *(body.count for body in bodies))
    dtype = field.bodies[0].weight.dtype
    return TensorField(field.embeddings, tuple(bodies), field.factors, field.outputs, jnp.zeros(shape, dtype))


def _orders(problem: Problem) -> list[int]:
    """The highest order of differentiation in the equations on each axis."""
    found = [replace_partials(e.residual, problem.unknowns, problem.coordinates)[1] for e in problem.equations]
    axes = range(len(problem.coordinates))
    return [max((partial.orders[k] for partials in found for partial in partials), default=0) for k in axes]
