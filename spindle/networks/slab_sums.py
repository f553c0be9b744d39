"""Fields that are sums of products of functions of each axis of space, times polynomials in each slab of time."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp

from spindle.networks import polynomials
from spindle.networks.fields import GriddedField
from spindle.networks.piecewise import on_reference, reference_legendre


class SlabSums(GriddedField):
    """Interface of such fields (never built itself): the real part of sums over functions k of the axes and j of time.

    Beyond the last slab, values are NaN. Grids cost far less than as many points.

    instants       (S + 1,) ends of the slabs
    time           which coordinate time is
    """

    instants: eqx.AbstractVar[jax.Array]
    time: eqx.AbstractVar[int]

    @property
    @abc.abstractmethod
    def sums(self) -> jax.Array:
        """The coefficients (S, K_1, .., K_d, outputs, degree in time + 1), which may be complex."""

    @abc.abstractmethod
    def along(self, axes, order) -> list:
        """For each axis of space its functions at its points, (points, K_k), differentiated as asked."""

    @property
    def outputs(self) -> int:
        """The number of unknowns."""
        return self.coefficients.shape[-2]

    def partials(self, points, orders):
        """Partial derivatives (n, outputs) at points (n, d), one point after the other: for few of them."""

        def at(point):
            taken = self.on_grid([x[None] for x in point], orders)
            return {order: value.reshape(self.outputs) for order, value in taken.items()}

        return jax.lax.map(at, points)

    def on_grid(self, axes, orders):
        """Partial derivatives on the tensor grid of axes (n_k,), {orders: (outputs, n_1, .., n_d)}."""
        sums, instants = self.sums, axes[self.time]
        along = {order: self.along(axes, order) for order in orders}

        def at_instant(given):
            slab, polynomials_there = given
            taken = {}
            for order in orders:
                value = sums[slab] @ polynomials_there[order[self.time]]
                for functions in along[order]:  # the first axis that is left becomes the last one
                    value = jnp.tensordot(value, functions, axes=((0,), (1,)))
                taken[order] = jnp.real(value)
            return taken

        values = jax.lax.map(at_instant, self._on_slabs(instants, {order[self.time] for order in orders}))
        beyond = instants > self.instants[-1] + 1e-9 * (self.instants[-1] - self.instants[0])
        result = {}
        for order, value in values.items():  # (instants, outputs, n_1 .. without time)
            value = jnp.where(beyond.reshape(-1, *(1,) * (value.ndim - 1)), jnp.nan, value)
            result[order] = jnp.moveaxis(jnp.moveaxis(value, 0, 1), 1, 1 + self.time)
        return result

    def _on_slabs(self, instants, orders):
        """The slab of each instant, and {order: derivatives of all polynomials there, (instants, T)}."""
        ends, count = self.instants, self.coefficients.shape[-1]
        slab = jnp.clip(jnp.searchsorted(ends, instants, side="left") - 1, 0, len(ends) - 2)
        inside, length = on_reference(instants, ends[slab], ends[slab + 1])
        table = reference_legendre(inside, count)
        slopes = {n: polynomials.slopes(count - 1, n) for n in orders}
        return slab, {n: table @ slopes[n] * (2 / length[:, None]) ** n for n in orders}
