"""How a separable spectral field becomes a larger one that represents the same function, or nearly."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from spindle.lowering.partials import replace_partials
from spindle.networks.fields import SeparableField, TensorField
from spindle.networks.model import Model
from spindle.networks.spectral import Modes
from spindle.objective.objective import Objective
from spindle.problem.problem import Problem
from spindle.symbolic.symbols import is_time
from spindle.training.stages import Refinement

_TARGETS = 10.0 ** np.arange(-9, -2, 0.25)  # shares of the last coefficients, the smallest that is affordable is taken
_WORTH = 10.0  # factor by which small last coefficients must be expected to fall for more features to be tried
_SMALL = 1e-5  # share of the last coefficients above which more features are tried whatever is expected of them
_NOISE = 1e-3  # an unknown that small beside another need not be resolved
# Residual, relative to that of the zero field, below which a fit is a better start than zero. What begins in time has
# one solution, and a fit is on its way there; a stationary flow may stay far from its own at a residual of 0.02.
_NEAR = {True: 0.3, False: 0.01}


@dataclass(frozen=True)
class RaiseRank(Refinement):
    """More separable terms, which start small and smooth."""

    outputs: int
    rank: int

    def decide(self, model, reached: float) -> int:
        """The rank."""
        return self.rank

    def apply(self, model, rank: int) -> Model:
        """The enlarged model."""
        size = 0.05 ** (1 / len(model.field.bodies))  # of one factor, so that the product has a twentieth
        keys = iter(jax.random.split(jax.random.PRNGKey(rank), len(model.field.bodies)))

        def wider(weight):
            features = weight.shape[0]
            old = weight.reshape(features, self.outputs, -1)
            new = jax.random.normal(next(keys), (features, self.outputs, rank - old.shape[-1]), weight.dtype)
            new = size * new * 0.5 ** jnp.arange(features)[:, None, None]
            return jnp.concatenate([old, new], axis=-1).reshape(features, -1)

        bodies = tuple(eqx.tree_at(lambda b: b.weight, body, wider(body.weight)) for body in model.field.bodies)
        return eqx.tree_at(lambda m: m.field.bodies, model, bodies)

    def objective(self, model) -> None:
        """The one so far."""

    def describe(self, rank: int) -> str:
        """For the record."""
        return f"separable rank raised to {rank}"


@dataclass(frozen=True)
class FullTensor(Refinement):
    """A coefficient for every product of features instead of a sum of products.

    aim   see `ResizeBasis`
    """

    problem: Problem
    aim: Callable[[Sequence[int]], Objective]

    def decide(self, model, reached: float) -> dict:
        """The number of features on each axis, and whether sums of products came near enough to start from them."""
        near = _NEAR[any(map(is_time, self.problem.coordinates))]
        return {"widths": [len(body.weight) for body in model.field.bodies], "afresh": reached > near}

    def apply(self, model, decision: Mapping) -> Model:
        """The enlarged model."""
        field, empty = model.field, tensor_field(model.field, self.problem)
        if decision["afresh"]:
            return eqx.tree_at(lambda m: m.field, model, empty)
        factors = []
        for body, basis in zip(field.bodies, _bases(empty), strict=True):
            changed = jnp.linalg.solve(jnp.asarray(basis, body.weight.dtype), body.weight)
            factors.append(changed.reshape(changed.shape[0], field.outputs, -1))
        names = "abcdefgh"[: len(factors)]
        formula = ",".join(f"{n}vr" for n in names) + "->v" + names
        return _replaced(model, empty, jnp.einsum(formula, *factors, optimize=True))

    def objective(self, model) -> Objective:
        """On a lattice of its own."""
        return self.aim(model.field.core.shape[1:])

    def describe(self, decision: Mapping) -> str:
        """For the record."""
        widths = decision["widths"]
        return f"a coefficient for every product of {' x '.join(map(str, widths))} features"


@dataclass(frozen=True)
class ResizeBasis(Refinement):
    """More features on axes whose last coefficients are not small, fewer where they are below rounding errors.

    problem   gives the orders of differentiation
    build     features on each axis -> a spectral field with so many
    aim       features on each axis -> the objective, on a lattice that resolves them
    most      products of features that are affordable
    """

    problem: Problem
    build: Callable[[Sequence[int]], SeparableField]
    aim: Callable[[Sequence[int]], Objective]
    most: int

    def decide(self, model, reached: float) -> list[int] | None:
        """The new numbers of features; None where all axes are resolved, or no more can be afforded."""
        shares = decays(model.field)
        waves = np.array([embedding.width > 1 for embedding in model.field.embeddings])
        for target in _TARGETS:
            wanted = np.array([_wanted(decay, target) for decay in shares])
            wanted = np.where(waves, wanted | 1, wanted)  # the constant, and as many sines as cosines
            if model.field.outputs * np.prod(wanted.astype(float)) <= self.most:
                break
        else:
            return None
        # Small coefficients that decay by a power only are hardly made smaller by what can be afforded.
        gains = [_rate(decay) * (w - len(decay)) for decay, w in zip(shares, wanted, strict=True)]
        large = [tail(decay) > _SMALL and w > len(decay) for decay, w in zip(shares, wanted, strict=True)]
        return [int(w) for w in wanted] if max(gains) > math.log(_WORTH) or any(large) else None

    def apply(self, model, widths: Sequence[int]) -> Model:
        """The enlarged model."""
        series = _series(model.field)
        empty = tensor_field(self.build(widths), self.problem)
        for k, (width, basis) in enumerate(zip(widths, _bases(empty), strict=True)):
            moved = _resized(jnp.moveaxis(series, k + 1, 0), width, model.field.embeddings[k].width > 1)
            solved = jnp.linalg.solve(jnp.asarray(basis, series.dtype), moved.reshape(width, -1))
            series = jnp.moveaxis(solved.reshape(moved.shape), 0, k + 1)
        return _replaced(model, empty, series)

    def objective(self, model) -> Objective:
        """On a finer lattice."""
        return self.aim(model.field.core.shape[1:])

    def describe(self, widths: Sequence[int]) -> str:
        """For the record."""
        return f"features changed to {' x '.join(map(str, widths))}, by the decay of the coefficients"


def tensor_field(field: Any, problem: Problem) -> TensorField:
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
    by_equation = [replace_partials(e.residual, problem.unknowns, problem.coordinates)[1] for e in problem.equations]
    axes = range(len(problem.coordinates))
    return [max((partial.orders[k] for partials in by_equation for partial in partials), default=0) for k in axes]


def _bases(field: Any) -> list[np.ndarray]:
    return [body.basis(embedding.width) for body, embedding in zip(field.bodies, field.embeddings, strict=True)]


def _replaced(model, field: TensorField, coefficients) -> Model:
    return eqx.tree_at(lambda m: m.field, model, eqx.tree_at(lambda f: f.coefficients, field, coefficients))


def _series(field: Any):
    """The coefficients in terms of Legendre polynomials and waves."""
    series = field.coefficients
    for k, basis in enumerate(_bases(field)):
        series = jnp.moveaxis(jnp.tensordot(jnp.asarray(basis, series.dtype), series, axes=((1,), (k + 1,))), 0, k + 1)
    return series


def decays(field: Any, sizes: np.ndarray | None = None) -> list[np.ndarray]:
    """For each axis the share of the coefficients from each degree on, of the unknown where it is largest.

    sizes   (unknowns,) of more than the field, such as boundary data that are added to it; shares are of the larger
    """
    shares = []
    for embedding, energies in zip(field.embeddings, _energies(field), strict=True):
        if embedding.width > 1:  # the constant, then cosines, then sines, of which an even or odd function lacks one
            waves = energies[:, 1:].reshape(len(energies), 2, -1).sum(axis=1)
            energies = np.concatenate([energies[:, :1], np.repeat(waves / 2, 2, axis=1)], axis=1)
        left = np.sqrt(np.cumsum(energies[:, ::-1], axis=1)[:, ::-1])
        whole = np.maximum(left[:, 0], 0.0 if sizes is None else sizes)
        # Beside others a thousand times as large an unknown may be noise.
        whole = np.maximum(whole, max(_NOISE * whole.max(), np.finfo(float).tiny))
        shares.append((left / whole[:, None]).max(axis=0))
    return shares


def _energies(field: Any) -> list[np.ndarray]:
    """For each axis the sums of squares (unknowns, features) of the coefficients with each feature."""
    if field.core is not None:
        squares, axes = np.asarray(_series(field)) ** 2, len(field.bodies)
        return [squares.sum(axis=tuple(a + 1 for a in range(axes) if a != k)) for k in range(axes)]
    weights = [np.asarray(b.weight).reshape(len(b.weight), field.outputs, -1) for b in field.bodies]
    grams = [np.einsum("nur,nus->urs", w, w) for w in weights]
    others = [
        math.prod((g for j, g in enumerate(grams) if j != k), start=np.ones_like(grams[k])) for k in range(len(grams))
    ]
    return [np.einsum("nur,urs,nus->un", w, g, w).clip(0) for w, g in zip(weights, others, strict=True)]


def tail(decay: np.ndarray) -> float:
    """The share of the last tenth of the coefficients."""
    return float(decay[_last(len(decay))])


def _last(width: int) -> int:
    """Where the last tenth begins: two degrees at least, of which an even or odd function lacks one."""
    return max(0, min((9 * width) // 10, width - 2))


def _wanted(decay: np.ndarray, target: float) -> int:
    """The number of features at which the decay, going on as in the second half, reaches the target."""
    width, last = len(decay), _last(len(decay))
    if decay[last] < target / 10:
        return min(width, int(np.flatnonzero(decay < target / 10)[0]) + 8)
    more = math.log(decay[last] / target) / max(_rate(decay), 1e-9)
    return int(min(2 * width, last + max(more, 0)))


def _rate(decay: np.ndarray) -> float:
    """By how much the logarithm falls from one degree to the next, in the second half."""
    width = len(decay)
    first, last = width // 2, max(_last(width), width // 2 + 1)
    return math.log(max(decay[first], 1e-300) / max(decay[last], 1e-300)) / (last - first)


def _resized(array, width: int, waves: bool):
    """The first axis cut or filled with zeros to another number of features."""
    if not waves:
        return _cut(array, width)
    cosines, sines = jnp.split(array[1:], 2)
    return jnp.concatenate([array[:1], _cut(cosines, width // 2), _cut(sines, width // 2)])


def _cut(array, width):
    array = array[:width]
    return jnp.concatenate([array, jnp.zeros((width - len(array), *array.shape[1:]), array.dtype)])
