"""Fields that are sums of waves along periodic axes, and polynomials in each slab of time."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from spindle.networks import polynomials
from spindle.networks.fields import Field
from spindle.networks.piecewise import on_reference, reference_legendre
from spindle.networks.taylor import Jet


class WavesField(Field):
    """u_m(t, x) = real part of the sum over k, j of  c[s, k, m, j]  e^(i k (x - x_0))  P_j(t on slab s).

    Beyond the last slab, values are NaN. Grids cost far less than as many points.

    instants       (S + 1,) ends of the slabs
    coefficients   (S, 2, K_1, .., K_d, outputs, degree in time + 1), real and imaginary parts; wave numbers as in a
                   discrete Fourier transform, of the last axis those that are not negative
    time, space    which coordinates these axes are
    lows, lengths  where the axes of space begin, and how long they are
    """

    instants: jax.Array
    coefficients: jax.Array
    time: int = eqx.field(static=True)
    space: tuple[int, ...] = eqx.field(static=True)
    lows: tuple[float, ...] = eqx.field(static=True)
    lengths: tuple[float, ...] = eqx.field(static=True)

    @property
    def outputs(self) -> int:
        """The number of unknowns."""
        return self.coefficients.shape[-2]

    @property
    def parameters(self) -> int:
        """The number of coefficients, those of waves that are conjugate to others counted once."""
        return self.coefficients.size

    @property
    def holds(self) -> bool:
        """Whether some slab was solved."""
        return bool(np.any(np.asarray(self.coefficients)))

    def __call__(self, points):
        """Values (n, outputs) at points (n, d), or their jet at the jet of points themselves, `Jet.variables`."""
        if not isinstance(points, Jet):
            zero = (0,) * points.shape[1]
            return self.partials(points, [zero])[zero]
        taken = self.partials(points.lanes[0], points.indices)
        return Jet(tuple(taken[i] / math.prod(map(math.factorial, i)) for i in points.indices), points.indices)

    def partials(self, points, orders):
        """Partial derivatives (n, outputs) at points (n, d), one point after the other: for few of them."""

        def at(point):
            taken = self.on_grid([x[None] for x in point], orders)
            return {order: value.reshape(self.outputs) for order, value in taken.items()}

        return jax.lax.map(at, points)

    def on_grid(self, axes, orders):
        """Partial derivatives on the tensor grid of axes (n_k,), {orders: (outputs, n_1, .., n_d)}."""
        spectrum = self.coefficients[:, 0] + 1j * self.coefficients[:, 1]
        during = self._during(axes[self.time], {order[self.time] for order in orders})
        along = {order: self._along(axes, order) for order in orders}

        def at_instant(given):
            slab, polynomials_there = given
            taken = {}
            for order in orders:
                value = spectrum[slab] @ polynomials_there[order[self.time]]
                for waves in along[order]:  # the first axis that is left becomes the last one
                    value = jnp.tensordot(value, waves, axes=((0,), (1,)))
                taken[order] = jnp.real(value)
            return taken

        slab, tables = during
        values = jax.lax.map(at_instant, (slab, tables))
        beyond = axes[self.time] > self.instants[-1] + 1e-9 * (self.instants[-1] - self.instants[0])
        result = {}
        for order, value in values.items():  # (instants, outputs, n_1 .. without time)
            value = jnp.where(beyond.reshape(-1, *(1,) * (value.ndim - 1)), jnp.nan, value)
            result[order] = jnp.moveaxis(jnp.moveaxis(value, 0, 1), 1, 1 + self.time)
        return result

    def _during(self, instants, orders):
        """The slab of each instant, and {order: derivatives of all polynomials there, (instants, T)}."""
        most = len(self.instants) - 2
        slab = jnp.clip(jnp.searchsorted(self.instants, instants, side="left") - 1, 0, most)
        inside, length = on_reference(instants, self.instants[slab], self.instants[slab + 1])
        count = self.coefficients.shape[-1]
        table = reference_legendre(inside, count)
        slopes = {n: polynomials.slopes(count - 1, n) for n in orders}
        return slab, {n: table @ slopes[n] * (2 / length[:, None]) ** n for n in orders}

    def _along(self, axes, order):
        """For each axis of space the waves at its points, (points, waves), differentiated as asked."""
        counts = self.coefficients.shape[2:-2]
        rows = []
        for k, (axis, count, low, length) in enumerate(zip(self.space, counts, self.lows, self.lengths, strict=True)):
            last = k == len(counts) - 1
            numbers = np.arange(count) if last else np.fft.fftfreq(count, 1 / count)
            factor = np.where(numbers > 0, 2.0, 1.0) if last else 1.0  # for those of negative numbers
            turns = 2 * np.pi / length * numbers
            rows.append(jnp.exp(1j * (axes[axis][:, None] - low) * turns) * factor * (1j * turns) ** order[axis])
        return rows

    def last_shares(self) -> dict[int, float]:
        """{axis: share of the root mean square that the last tenth of its waves hold}, of the worst unknown."""
        squares = np.sum(np.asarray(self.coefficients) ** 2, axis=1)
        squares = squares * np.diff(np.asarray(self.instants)).reshape(-1, *(1,) * (squares.ndim - 1))
        d = len(self.space)
        whole = np.maximum(squares.sum(axis=(*range(d + 1), d + 2)), np.finfo(float).tiny)
        shares = {self.time: squares[..., -2:].sum(axis=(*range(d + 1), d + 2))}
        for k, axis in enumerate(self.space):
            count = squares.shape[1 + k]
            numbers = np.arange(count) if k == d - 1 else np.abs(np.fft.fftfreq(count, 1 / count))
            last = np.take(squares, np.flatnonzero(numbers > 0.9 * numbers.max()), axis=1 + k)
            shares[axis] = last.sum(axis=(*range(d + 1), d + 2))
        return {axis: float(np.sqrt((tail / whole).max())) for axis, tail in shares.items()}
