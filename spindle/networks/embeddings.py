"""What happens to coordinates before the first layer: scaling, periodic features, random Fourier features."""

import abc
import math
from collections.abc import Sequence
from itertools import combinations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from spindle.networks.activations import cos, sin
from spindle.networks.taylor import concatenate

_POWERS = (1.0, 10.0, 100.0)


class Embedding(eqx.Module):
    """Interface of all embeddings (never built itself): maps points (n, d), array or jet, to features (n, width)."""

    @property
    @abc.abstractmethod
    def width(self) -> int:
        """Number of features."""

    @abc.abstractmethod
    def __call__(self, x):
        """The features (n, width) of points (n, d), or their jet."""


class Scaled(Embedding):
    """Affine map of each coordinate's interval to [-1, 1]."""

    bounds: tuple[tuple[float, float], ...] = eqx.field(static=True)

    @property
    def width(self) -> int:
        """Number of features."""
        return len(self.bounds)

    def __call__(self, x):
        low, high = np.array(self.bounds).T
        half = (high - low) / 2
        return (x + (-(low + high) / 2)) * (1 / half)


class Raw(Embedding):
    """An embedding that passes the coordinates on as they are."""

    coordinates: int = eqx.field(static=True)

    @property
    def width(self) -> int:
        """Number of features."""
        return self.coordinates

    def __call__(self, x):
        return x


class PeriodicFeatures(Embedding):
    """`cos, sin` of the first harmonics of periodic coordinates; the others are mapped to [-1, 1].

    Every function of these features is periodic, with all its derivatives.

    periodic    for each coordinate whether it is periodic over its bounds
    harmonics   number of harmonics
    Source: Dong & Ni (2021), J. Comput. Phys. 435.
    """

    bounds: tuple[tuple[float, float], ...] = eqx.field(static=True)
    periodic: tuple[bool, ...] = eqx.field(static=True)
    harmonics: int = eqx.field(static=True)

    @property
    def width(self) -> int:
        """Number of features."""
        return sum(2 * self.harmonics if p else 1 for p in self.periodic)

    def __call__(self, x):
        features = []
        for k, ((low, high), periodic) in enumerate(zip(self.bounds, self.periodic, strict=True)):
            column = x[:, k : k + 1]
            if periodic:
                waves = np.arange(1, self.harmonics + 1) * (2 * np.pi / (high - low))
                phase = (column + (-low)) @ jnp.asarray(waves[None, :], jnp.result_type(float))
                features += [cos(phase), sin(phase)]
            else:
                features.append((column + (-(low + high) / 2)) * (2 / (high - low)))
        return concatenate(features)


class HarmonicProducts(Embedding):
    """A one, other coordinates times 1, 10 and 100, harmonics of periodic ones, and products of those of two of them.

    Of one periodic coordinate alone there are 2 J + 1 features. Nothing is scaled.

    periodic    for each coordinate whether it is periodic over its bounds
    harmonics   J, number of harmonics
    Source: Wang, Sankaran & Perdikaris (2024), Comput. Methods Appl. Mech. Eng. 421, on decaying turbulence.
    """

    bounds: tuple[tuple[float, float], ...] = eqx.field(static=True)
    periodic: tuple[bool, ...] = eqx.field(static=True)
    harmonics: int = eqx.field(static=True)

    @property
    def width(self) -> int:
        """Number of features."""
        axes = sum(self.periodic)
        others = len(_POWERS) * (len(self.periodic) - axes)
        return 1 + others + axes * self.waves + math.comb(axes, 2) * self.waves**2

    def __call__(self, x):
        features, waves = [0 * x[:, :1] + 1.0], []
        for k, (bounds, periodic) in enumerate(zip(self.bounds, self.periodic, strict=True)):
            column = x[:, k : k + 1]
            if periodic:
                waves.append(PeriodicFeatures((bounds,), (True,), self.harmonics)(column))
            else:
                features += [power * column for power in _POWERS]
        # Each of the first times all of the second, by two products with matrices of ones and zeros: little to compile.
        unit, row = np.eye(self.waves), np.ones((1, self.waves))
        repeated, tiled = (jnp.asarray(m, jnp.result_type(float)) for m in (np.kron(unit, row), np.kron(row, unit)))
        products = [(one @ repeated) * (other @ tiled) for one, other in combinations(waves, 2)]
        return concatenate([*features, *waves, *products])

    @property
    def waves(self) -> int:
        """Number of harmonics of one coordinate, cos and sin."""
        return 2 * self.harmonics


class FourierFeatures(Embedding):
    """Random Fourier features `cos(2 pi B x), sin(2 pi B x)` of the scaled coordinates, B normal, not trained.

    Source: Tancik et al. (2020), arXiv 2006.10739; for PINNs Wang, Wang & Perdikaris (2021), CMAME 384.
    """

    scaled: Scaled
    frequencies: jax.Array

    def __init__(self, bounds, count: int, deviation: float, *, key):
        self.scaled = Scaled(tuple(bounds))
        self.frequencies = deviation * jax.random.normal(key, (len(bounds), count))

    @property
    def width(self) -> int:
        """Number of features."""
        return 2 * self.frequencies.shape[1]

    def __call__(self, x):
        phase = self.scaled(x) @ (2 * jnp.pi * jax.lax.stop_gradient(self.frequencies))
        return concatenate([cos(phase), sin(phase)])


def frequencies_of_features(embedding: Embedding, frequencies: Sequence[float]) -> np.ndarray:
    """The highest frequencies (width,) of a first layer on each feature, by those on each coordinate.

    Waves of periodic coordinates, and random features, have frequencies of their own: 1 on these.
    """
    if isinstance(embedding, (Scaled, Raw)):
        return np.array(frequencies)
    if isinstance(embedding, PeriodicFeatures):
        waves = [1.0] * (2 * embedding.harmonics)
        parts = [waves if p else [f] for p, f in zip(embedding.periodic, frequencies, strict=True)]
        return np.array([number for part in parts for number in part])
    return np.ones(embedding.width)
