"""Fields that are sums of waves along periodic axes, and polynomials in each slab of time."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from spindle.networks.slab_sums import SlabSums


class WavesField(SlabSums):
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
    def sums(self) -> jax.Array:
        """The coefficients as complex numbers."""
        return self.coefficients[:, 0] + 1j * self.coefficients[:, 1]

    def along(self, axes, order):
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
