"""Grids on periodic axes, the waves that go through them, and a finer grid on which products are taken.

Spectra are arrays (.., K_1, .., K_d) as a discrete Fourier transform makes them, not divided by the number of points.

Source: Canuto, Hussaini, Quarteroni & Zang (2006), Spectral Methods, chapters 2 and 3.
"""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

FEWEST = 17  # points on an axis
_FINER = 3 / 2  # points of the fine grid by waves: products of two do not fold back


class WaveGrid(NamedTuple):
    """A grid of points on periodic axes, and a finer one on which residuals are taken.

    points   on each axis, odd numbers
    fine     likewise
    numbers  the wave numbers along each axis, those of the last axis not negative
    """

    points: tuple[int, ...]
    fine: tuple[int, ...]
    numbers: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, points, lengths) -> "WaveGrid":
        """The grid of so many points on axes of these lengths."""
        last = len(points) - 1
        numbers = [
            2 * np.pi / length * (np.fft.rfftfreq(n, 1 / n) if k == last else np.fft.fftfreq(n, 1 / n))
            for k, (n, length) in enumerate(zip(points, lengths, strict=True))
        ]
        return cls(tuple(points), tuple(good_number(math.ceil(_FINER * n)) for n in points), tuple(numbers))

    @property
    def waves(self) -> tuple[int, ...]:
        """The shape of a spectrum."""
        return tuple(map(len, self.numbers))

    def symbol(self, orders) -> Any:
        """(i k)^orders for each wave."""
        d, total = len(orders), np.ones(())
        for axis, (numbers, order) in enumerate(zip(self.numbers, orders, strict=True)):
            total = total * ((1j * numbers) ** order).reshape([-1 if j == axis else 1 for j in range(d)])
        return np.broadcast_to(total, self.waves)

    def spectrum(self, values):
        """The spectrum of values (.., n_1, .., n_d) on the grid."""
        return jnp.fft.rfftn(values, axes=range(-len(self.points), 0))

    def values(self, spectrum):
        """The values of a spectrum on the grid."""
        return jnp.fft.irfftn(spectrum, self.points, axes=range(-len(self.points), 0))

    def fine_values(self, spectrum):
        """The values of a spectrum on the fine grid."""
        d = len(self.points)
        for axis in range(-d, -1):  # the middle is where positive and negative wave numbers meet
            n, wanted = self.points[axis], self.fine[axis]
            positive, negative = jnp.split(spectrum, [n // 2 + 1], axis=axis)
            gap = [(0, wanted - n) if j == axis else (0, 0) for j in range(-spectrum.ndim, 0)]
            spectrum = jnp.fft.ifft(jnp.concatenate([jnp.pad(positive, gap), negative], axis=axis), axis=axis)
        return jnp.fft.irfft(spectrum, self.fine[-1], axis=-1) * (math.prod(self.fine) / math.prod(self.points))

    def of_fine(self, values):
        """The part of values (.., M_1, .., M_d) on the fine grid that its waves hold, and the mean square of the rest.

        returns   a spectrum, and (..)
        """
        d = len(self.points)
        spectrum = jnp.fft.rfft(values, axis=-1)
        held, beyond = jnp.split(spectrum, [self.waves[-1]], axis=-1)
        within = tuple(range(-d, 0))
        rest = 2 * jnp.sum(_squares(beyond), axis=within) * math.prod(self.fine[:-1])
        for number, axis in enumerate(range(-d, -1)):
            n = self.points[axis]
            held = jnp.fft.fft(held, axis=axis)
            positive, beyond, negative = jnp.split(held, [n // 2 + 1, held.shape[axis] - n // 2], axis=axis)
            left = math.prod(self.fine[number + 1 : -1])  # points of axes that are not transformed yet
            rest += jnp.sum(_squares(beyond) * self.counted, axis=within) * left
            held = jnp.concatenate([positive, negative], axis=axis)
        return held * (math.prod(self.points) / math.prod(self.fine)), rest / math.prod(self.fine) ** 2

    @property
    def counted(self) -> np.ndarray:
        """(K_d,) how many waves each of the last axis stands for: those of negative numbers are conjugate to others."""
        return np.where(self.numbers[-1] > 0, 2.0, 1.0)

    def mean_square(self, spectrum):
        """The mean square of the values of a spectrum, (..)."""
        squares = jnp.sum(_squares(spectrum) * self.counted, axis=tuple(range(-len(self.points), 0)))
        return squares / math.prod(self.points) ** 2


def _squares(values):
    return jnp.real(values) ** 2 + jnp.imag(values) ** 2


def good_number(n: int) -> int:
    """The least odd number of at least n, and `FEWEST`, whose prime factors are 3, 5 and 7: transforms are fast."""
    n = max(n, FEWEST) | 1
    while True:
        rest = n
        for prime in (3, 5, 7):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 2


def resampled(series: np.ndarray, axis: int, n: int) -> np.ndarray:
    """Values on a periodic axis of an odd number of points at n points, another odd number."""
    old = series.shape[axis]
    if n == old:
        return series
    spectrum = np.fft.rfft(series, axis=axis)
    return np.fft.irfft(spectrum, n, axis=axis) * (n / old)
