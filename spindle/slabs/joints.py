"""How elements join at their nodes: by derivatives that they share, and at interfaces by values and fluxes.

A node has the derivatives 0 .. smoothness of each unknown. Where there are interfaces, every node has room for some
of them twice: those that jump at an interface. The element above an interface takes the second ones; away from
interfaces these belong to nothing. So the chain of blocks stays a chain, and u is continuous exactly.
"""

from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from spindle.networks import polynomials
from spindle.slabs import blocks
from spindle.slabs.rows import SlabRows


@dataclass(frozen=True, eq=False)
class Joints:
    """The nodes of one problem.

    smoothness   continuous derivatives at nodes that are no interfaces
    during       the functions of a slab of time, as columns of Legendre coefficients
    span         the length of all of time; the fluxes weigh as conditions do, see `Elements`
    """

    rows: SlabRows
    smoothness: int
    during: np.ndarray
    span: float

    @property
    def ends(self) -> int:
        """How many derivatives an element has at each of its ends."""
        return self.smoothness + 1

    @property
    def room(self) -> int:
        """For how many derivatives there is room at a node."""
        return self.ends + (self.ends - self._shared if self.rows.joints else 0)

    @property
    def _shared(self) -> int:
        """How many derivatives are continuous at interfaces: those of orders below that of the flux; of steps, none."""
        return 0 if any(joint.steps for joint in self.rows.joints) else self.ends // 2

    def slots(self, breaks: np.ndarray) -> np.ndarray:
        """(N, ends) where among the derivatives of its node each element finds those at its lower end."""
        slots = np.tile(np.arange(self.ends), (len(breaks) - 1, 1))
        slots[self._above(breaks), self._shared :] += self.room - self.ends
        return slots

    def at_nodes(self, low: np.ndarray, high: np.ndarray, breaks: np.ndarray) -> np.ndarray:
        """Sums at the nodes, (nodes, room, ..), of what elements have at their ends, (N, ends, ..) each."""
        left, right = (np.zeros((len(low), self.room, *low.shape[2:])) for _ in range(2))
        left[np.arange(len(low))[:, None], self.slots(breaks)] = low
        right[:, : self.ends] = high
        return blocks.at_nodes(left, right, ring=bool(self.rows.periodic))

    def of_elements(self, nodes: np.ndarray, breaks: np.ndarray) -> np.ndarray:
        """What stands at the ends of each element, (N, 2 ends, ..), from (nodes, room, ..)."""
        low, high = (nodes, np.roll(nodes, -1, axis=0)) if self.rows.periodic else (nodes[:-1], nodes[1:])
        mine = low[np.arange(len(low))[:, None], self.slots(breaks)]
        return np.concatenate([mine, high[:, : self.ends]], axis=1)

    def with_room(self, matrices: np.ndarray, rights: np.ndarray, breaks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The equations of elements, of 2 ends * each numbers, as those of nodes with room for 2 room * each."""
        if not self.rows.joints:
            return matrices, rights
        count, each = len(matrices), matrices.shape[1] // (2 * self.ends)
        own = np.concatenate([self.slots(breaks), np.tile(self.room + np.arange(self.ends), (count, 1))], axis=1)
        own = (own[:, :, None] * each + np.arange(each)).reshape(count, -1)
        size, numbers = 2 * self.room * each, np.arange(count)[:, None]
        wide, right = np.zeros((count, size, size)), np.zeros((count, size))
        wide[numbers[:, :, None], own[:, :, None], own[:, None, :]] = matrices
        right[numbers, own] = rights
        return wide, right

    def add_fluxes(
        self, equations, ends: np.ndarray, carried: np.ndarray, slab, free: slice, fixed: np.ndarray
    ) -> float:
        """Add the rows of the fluxes to the equations of the nodes; returns their loss.

        equations   as `with_room` returns them, for the coefficients in time that `free` selects
        ends        (N, 2 ends, m, T) the derivatives at the ends of all elements; those of `carried` stay as they are
        fixed       (m, T free) which coefficients are known
        """
        matrices, rights = equations
        below, above = self._below(slab.mesh), self._above(slab.mesh)
        sides, kept = (
            np.stack([each[below, self.ends :], each[above, : self.ends]], axis=1) for each in (ends, carried)
        )
        residuals, slopes = (np.asarray(part) for part in self._program(sides, slab.begins, slab.length))
        loss = float(np.sum(residuals**2))
        residuals = residuals + np.einsum("jrseut,jseut->jr", slopes, kept)
        slopes = slopes[..., free] * ~fixed
        each = slopes.shape[-2] * slopes.shape[-1]
        slopes = slopes.reshape(*residuals.shape, 2, self.ends, each)
        wide = np.zeros((*residuals.shape, self.room, each))
        wide[:, :, : self.ends] += slopes[:, :, 0]
        wide[:, :, self.slots(slab.mesh)[above[0]]] += slopes[:, :, 1]
        wide = wide.reshape(*residuals.shape, -1)
        upper = slice(self.room * each, None)  # of the element below: the node of the interface
        matrices[below, upper, upper] += np.einsum("jra,jrb->jab", wide, wide)
        rights[below, upper] += np.einsum("jra,jr->ja", wide, residuals)
        return loss

    def compile(self, slab) -> None:
        """Compile what `add_fluxes` runs."""
        if self.rows.joints:
            unknowns = len(self.rows.given)
            self._program(
                np.ones((len(self.rows.joints), 2, self.ends, unknowns, len(self.during))), slab.begins, slab.length
            )

    def _above(self, breaks: np.ndarray) -> np.ndarray:
        """For each interface the number of the element that begins there."""
        return np.searchsorted(breaks[:-1], [joint.right for joint in self.rows.joints])

    def _below(self, breaks: np.ndarray) -> np.ndarray:
        """For each interface the number of the element that ends there."""
        return np.searchsorted(breaks[1:], [joint.left for joint in self.rows.joints])

    @cached_property
    def _program(self):
        def each(ends, begins, length):
            residuals, slopes = [], []
            for joint, sides in zip(self.rows.joints, ends, strict=True):

                def differences(sides, joint=joint):
                    return self._differences(joint, sides, begins, length)

                residuals.append(differences(sides))
                slopes.append(jax.jacfwd(differences)(sides))
            return jnp.stack(residuals), jnp.stack(slopes)

        return jax.jit(each)

    def _differences(self, joint, ends, begins, length):
        """The weighted differences of fluxes (instants * fluxes,) at one interface, from (2, ends, m, T)."""
        instants, weights = np.array([-1.0]), np.array([1.0])
        if self.rows.time is not None:
            instants, weights = polynomials.gauss(len(self.during) + 2)
            weights = weights / 2 * (self.span / length) ** 2
        when = begins + length * (instants + 1) / 2
        differences = []
        for left, right, weight in joint.fluxes:
            sides = zip((left, right), (joint.left, joint.right), ends, strict=True)
            below, above = (self._flux(f, e, place, instants, when, length) for f, place, e in sides)
            differences.append(jnp.sqrt(weight * weights) * (above - below))
        return jnp.concatenate(differences)

    def _flux(self, function, side, place, instants, when, length):
        """A flux (instants,) from the derivatives (ends, m, T) on one side."""
        time, space = self.rows.time, self.rows.space

        def value(partial):
            by_time = 0 if time is None else partial.orders[time]
            during = polynomials.values(instants, len(self.during) - 1, by_time) @ self.during
            return during * (2 / length) ** by_time @ side[partial.orders[space], partial.unknown]

        by_axis = {time: when, space: jnp.full(len(instants), place)}
        coordinates = [by_axis[k] for k in sorted(k for k in by_axis if k is not None)]
        known = {need: sum(c * value(p) for p, c in need.terms) for need in function.needs}
        return jnp.broadcast_to(function(coordinates, known), (len(instants),))
