"""Fields that are polynomials on each element of an axis and in each slab of time."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from spindle.networks import polynomials
from spindle.networks.fields import MarchedField


class PiecewiseField(MarchedField):
    """u_m(t, x) = sum over p, j of  c[s, e, p, m, j]  P_p(x on element e)  P_j(t on slab s), Legendre polynomials P.

    How elements and slabs join is the matter of whoever makes the coefficients. Beyond the last slab, values are NaN.

    instants       (S + 1,) ends of the slabs; two, which mean nothing, where no axis is time
    breaks         (S, N + 1) ends of the elements of each slab, the last one repeated where there are fewer; likewise
    coefficients   (S, N, degree + 1, outputs, degree in time + 1)
    time, space    which coordinates these axes are, None where there is none
    """

    instants: jax.Array
    breaks: jax.Array
    coefficients: jax.Array
    time: int | None = eqx.field(static=True)
    space: int | None = eqx.field(static=True)

    @property
    def outputs(self) -> int:
        """The number of unknowns."""
        return self.coefficients.shape[3]

    def partials(self, points, orders):
        """Partial derivatives (n, outputs) at points (n, d), by their orders; polynomials need no jets."""
        slab, during, length = self._slab(points)
        element, along, width = self._element(points, slab)
        chosen = self.coefficients[slab, element]
        in_space, in_time = reference_legendre(along, chosen.shape[1]), reference_legendre(during, chosen.shape[3])
        beyond = jnp.zeros(len(points), bool) if self.time is None else points[:, self.time] > self._last
        taken = {}
        for order in orders:
            by_space = 0 if self.space is None else order[self.space]
            by_time = 0 if self.time is None else order[self.time]
            space = in_space @ polynomials.slopes(chosen.shape[1] - 1, by_space) * (2 / width[:, None]) ** by_space
            time = in_time @ polynomials.slopes(chosen.shape[3] - 1, by_time) * (2 / length[:, None]) ** by_time
            value = jnp.einsum("nput,np,nt->nu", chosen, space, time)
            taken[order] = jnp.where(beyond[:, None], jnp.nan, value)
        return taken

    def cells(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corners (n, d) of the elements of all slabs, of those along axes that there are."""
        instants, breaks = np.asarray(self.instants), np.asarray(self.breaks)
        ends, shape = {}, self.coefficients.shape[:2]
        if self.time is not None:
            ends[self.time] = [np.broadcast_to(at[:, None], shape) for at in (instants[:-1], instants[1:])]
        if self.space is not None:
            ends[self.space] = [breaks[:, :-1], breaks[:, 1:]]
        low, high = (np.stack([ends[k][side].ravel() for k in sorted(ends)], axis=1) for side in (0, 1))
        there = np.all(high > low, axis=1)
        return low[there], high[there]

    def last_shares(self) -> dict[int, float]:
        """{axis: share of the root mean square that the last two coefficients along it hold}, of the worst unknown."""
        squares = np.asarray(self.coefficients) ** 2 * np.diff(np.asarray(self.breaks))[:, :, None, None, None]
        if self.space is None:
            squares = np.asarray(self.coefficients) ** 2
        squares = squares * np.diff(np.asarray(self.instants))[:, None, None, None, None]
        for k, axis in ((2, self.space), (4, self.time)):  # of normalised polynomials
            if axis is not None:
                norms = 1 / (2 * np.arange(squares.shape[k]) + 1)
                squares = squares * norms.reshape([-1 if j == k else 1 for j in range(5)])
        whole = np.maximum(squares.sum(axis=(0, 1, 2, 4)), np.finfo(float).tiny)
        last = {
            self.space: squares[:, :, -2:].sum(axis=(0, 1, 2, 4)),
            self.time: squares[..., -2:].sum(axis=(0, 1, 2, 4)),
        }
        return {axis: float(np.sqrt((tail / whole).max())) for axis, tail in last.items() if axis is not None}

    @property
    def _last(self):
        """The last instant, and what is lost to rounding."""
        return self.instants[-1] + 1e-9 * (self.instants[-1] - self.instants[0])

    def _slab(self, points):
        """For each point its slab, the earlier one where two meet, its time there on [-1, 1], and the slab's length."""
        if self.time is None:
            return jnp.zeros(len(points), int), jnp.zeros(len(points)), jnp.ones(len(points))
        most = len(self.instants) - 2
        slab = jnp.clip(jnp.searchsorted(self.instants, points[:, self.time], side="left") - 1, 0, most)
        return slab, *on_reference(points[:, self.time], self.instants[slab], self.instants[slab + 1])

    def _element(self, points, slab):
        """For each point its element, its place there on [-1, 1], and the width of the element."""
        if self.space is None:
            return jnp.zeros(len(points), int), jnp.zeros(len(points)), jnp.ones(len(points))
        # One search through the break points of all slabs, which are mapped to [s, s + 1] for slab s.
        low, high = self.breaks[0, 0], self.breaks[0, -1]
        count = self.breaks.shape[1]
        shares = (self.breaks - low) / (high - low) + jnp.arange(len(self.breaks))[:, None]
        share = jnp.clip((points[:, self.space] - low) / (high - low), 0.0, 1.0 - 1e-13)
        element = jnp.searchsorted(shares.ravel(), share + slab, side="right") - 1 - count * slab
        element = jnp.clip(element, 0, count - 2)
        ends = self.breaks[slab, element], self.breaks[slab, element + 1]
        return element, *on_reference(points[:, self.space], *ends)


def on_reference(x, left, right):
    """x mapped from [left, right] to [-1, 1], and the width."""
    width = jnp.where(right > left, right - left, 1.0)
    return 2 * (x - left) / width - 1, width


def reference_legendre(x, count: int):
    """P_0 .. P_{count - 1} at x (n,): (n, count)."""
    rows = [jnp.ones_like(x), x]
    for k in range(1, count - 1):
        rows.append(((2 * k + 1) * x * rows[k] - k * rows[k - 1]) / (k + 1))
    return jnp.stack(rows[:count], axis=1)
