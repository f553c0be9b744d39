"""Interfaces between elements: shared values, slopes of their own on both sides, and rows for the fluxes that agree.

A node has the derivatives 0 .. smoothness of each unknown. Where there are interfaces, every node has room for some
of them twice: those that jump at an interface. The element above an interface takes the second ones; away from
interfaces these belong to nothing. So the chain of blocks stays a chain, and u is continuous exactly.
"""

from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from spindle.lowering.partials import terms_of
from spindle.networks import polynomials
from spindle.slabs.rows import SlabRows


@dataclass(frozen=True, eq=False)
class Joints:
    """The interfaces of one problem.

    smoothness   continuous derivatives at all other nodes
    duration     the degree in time
    during       the functions of a slab of time, as columns of Legendre coefficients
    """

    rows: SlabRows
    smoothness: int
    duration: int
    during: np.ndarray

    @property
    def doubled(self) -> int:
        """How many derivatives a node has twice: those of the order of fluxes and above."""
        return self.smoothness + 1 - self._shared if self.rows.joints else 0

    @property
    def _shared(self) -> int:
        return (self.smoothness + 1) // 2

    def above(self, breaks: np.ndarray) -> np.ndarray:
        """For each interface the number of the element that begins there."""
        return np.searchsorted(breaks[:-1], [joint.right for joint in self.rows.joints])

    def below(self, breaks: np.ndarray) -> np.ndarray:
        """For each interface the number of the element that ends there."""
        return np.searchsorted(breaks[1:], [joint.left for joint in self.rows.joints])

    def slots(self, breaks: np.ndarray) -> np.ndarray:
        """(N, smoothness + 1) where, among the derivatives at its node, each element finds those at its lower end."""
        slots = np.tile(np.arange(self.smoothness + 1), (len(breaks) - 1, 1))
        slots[self.above(breaks), self._shared :] += self.doubled
        return slots

    def normal(self, ends: np.ndarray, begins: float, length: float, fixed: np.ndarray, free: slice):
        """What the rows of the fluxes add to the normal equations: matrices, gradients, losses of each interface.

        ends    (J, 2, smoothness + 1, m, T) the derivatives on both sides
        fixed   (m, T free) coefficients that are known
        free    which functions of time are solved for
        Matrices (J, 2 B, 2 B) are those of both sides, one after the other.
        """
        residuals, slopes = (np.asarray(part) for part in self._program(ends, begins, length))
        slopes = slopes[..., free] * ~fixed
        slopes = slopes.reshape(*residuals.shape, -1)
        matrices = np.einsum("jra,jrb->jab", slopes, slopes)
        return matrices, np.einsum("jra,jr->ja", slopes, residuals), np.sum(residuals**2, axis=1)

    @cached_property
    def _program(self):
        def each(ends, begins, length):
            residuals, slopes = [], []
            for joint, sides in zip(self.rows.joints, ends, strict=True):

                def differences(sides, joint=joint):
                    return self._row(joint, sides, begins, length)

                residuals.append(differences(sides))
                slopes.append(jax.jacfwd(differences)(sides))
            return jnp.stack(residuals), jnp.stack(slopes)

        return jax.jit(each)

    def _row(self, joint, ends, begins, length):
        """The weighted differences of fluxes (instants * fluxes,) at one interface, from (2, smoothness + 1, m, T)."""
        if self.rows.time is None:
            instants, weights = np.array([-1.0]), np.array([1.0])
        else:
            instants, weights = polynomials.gauss(self.duration + 3)
            weights = weights / 2
        when = begins + length * (instants + 1) / 2
        differences = []
        for left, right, weight in joint.fluxes:
            sides = zip((left, right), (joint.left, joint.right), ends, strict=True)
            below, above = (self._flux(f, e, place, instants, when, length) for f, place, e in sides)
            differences.append(np.sqrt(weight) * jnp.sqrt(weights) * (above - below))
        return jnp.concatenate(differences)

    def _flux(self, function, side, place, instants, when, length):
        """A flux (instants,) from the derivatives on one side."""
        time, space = self.rows.time, self.rows.space

        def value(partial):
            by_time = 0 if time is None else partial.orders[time]
            during = polynomials.values(instants, self.duration, by_time) @ self.during * (2 / length) ** by_time
            return during @ side[partial.orders[space], partial.unknown]

        by_axis = {time: when, space: jnp.full(len(instants), place)}
        coordinates = [by_axis[k] for k in sorted(k for k in by_axis if k is not None)]
        known = {need: sum(c * value(p) for p, c in terms_of(need)) for need in function.needs}
        return jnp.broadcast_to(function(coordinates, known), (len(instants),))
