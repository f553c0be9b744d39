"""Networks of the user's own, such as an `equinox.nn.MLP`, in the place of those of spindle."""

from collections.abc import Callable
from functools import singledispatch
from math import factorial, prod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from spindle.errors import MethodError, shown
from spindle.networks.taylor import Index, Jet


@singledispatch
def mapped(x, function: Callable):
    """A function of arrays (n, inputs) applied to an array, or to a jet: by nested forward differentiation.

    A jet is the polynomial p(s) = sum of c_alpha s^alpha of the steps s of the coordinates, cut off, and the
    coefficients of function(p(s)) are its derivatives at s = 0 over alpha!.
    """
    return function(x)


@mapped.register
def _(x: Jet, function: Callable) -> Jet:
    value, *slopes = x.lanes

    def along(*steps):
        moved = value
        for index, lane in zip(x.indices[1:], slopes, strict=True):
            moved = moved + prod(s for s, n in zip(steps, index, strict=True) for _ in range(n)) * lane
        return function(moved)

    zero = jnp.zeros((), value.dtype)
    here = (zero,) * len(x.indices[0])
    partials: dict[Index, Callable] = {x.indices[0]: along}
    for index in x.indices[1:]:
        axis = next(k for k, n in enumerate(index) if n)
        lower = (*index[:axis], index[axis] - 1, *index[axis + 1 :])
        partials[index] = _slope(partials[lower], axis)
    lanes = (partials[index](*here) / prod(map(factorial, index)) for index in x.indices)
    return Jet(tuple(lanes), x.indices)


def _slope(function: Callable, axis: int) -> Callable:
    """The derivative of a function of scalars by one of them."""

    def slope(*at):
        directions = tuple(jnp.ones_like(s) if k == axis else jnp.zeros_like(s) for k, s in enumerate(at))
        return jax.jvp(function, at, directions)[1]

    return slope


class _Fixed:
    """What is not trained of a module, by which programs are told apart; of arrays, by the object."""

    def __init__(self, value: Any):
        self.value = value

    def __eq__(self, other):
        if self is other or not isinstance(other, _Fixed) or jax.tree.leaves(eqx.filter(self.value, eqx.is_array)):
            return self is other
        return bool(eqx.tree_equal(self.value, other.value))

    def __hash__(self):
        return hash(jax.tree.structure(self.value))


class GivenNetwork(eqx.Module):
    """A module of the user's that maps one point (inputs,) to the outputs (outputs,), on (n, inputs) arrays and jets.

    trained   its arrays of floats
    fixed     all else of it
    """

    trained: Any
    fixed: _Fixed = eqx.field(static=True)

    def __call__(self, h):
        module = eqx.combine(self.trained, self.fixed.value)
        return mapped(h, jax.vmap(lambda point: jnp.reshape(module(point), (-1,))))


def given_network(network: Any, inputs: int, outputs: int, key: jax.Array) -> GivenNetwork:
    """The module that a user gave, or that the function of a random key which they gave returns, in working precision.

    Raises MethodError where it is no module, where it does not take that many inputs, or has other outputs.
    """
    module = network if isinstance(network, eqx.Module) else network(key)
    if not isinstance(module, eqx.Module) or not callable(module):
        raise MethodError(
            f"`network={shown(network)}` returned {shown(module)} for a random key, and a network is an "
            f"`equinox.Module` that can be called; return one, such as `eqx.nn.MLP({inputs}, {outputs}, 32, 2, "
            f"key=key)`."
        )
    precision = jnp.result_type(float)
    trained, rest = eqx.partition(module, eqx.is_inexact_array)
    body = GivenNetwork(jax.tree.map(lambda a: a.astype(precision), trained), _Fixed(rest))
    try:
        (_, found) = eqx.filter_eval_shape(body, jax.ShapeDtypeStruct((1, inputs), precision)).shape
    except (TypeError, ValueError) as error:
        raise MethodError(
            f"`network={shown(network)}` does not take what it is given, {inputs} inputs as an array of shape "
            f"({inputs},): the coordinates, or their features where periodic conditions hold by construction or "
            f"`fourier` is set ({str(error).splitlines()[0][:200]}); make it for {inputs} inputs."
        ) from error
    if found != outputs:
        raise MethodError(
            f"`network={shown(network)}` has {found} outputs, and the problem has {outputs} unknowns; give it one "
            f"output for each."
        )
    return body
