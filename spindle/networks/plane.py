"""Fields that are polynomials on each element of a tensor mesh of two axes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from spindle.networks import polynomials
from spindle.networks.fields import GriddedField
from spindle.networks.piecewise import on_reference, reference_legendre

_TOGETHER = 4096  # points whose coefficients are gathered at once


class PlaneField(GriddedField):
    """u_m(x, y) = sum over p, q of  c[e, f, p, q, m]  P_p(x on column e)  P_q(y on row f), Legendre polynomials P.

    How elements join is the matter of whoever makes the coefficients. Grids cost far less than as many points.

    breaks         (N_x + 1,) and (N_y + 1,) ends of the elements along both axes, in the units of the coordinates
    coefficients   (N_x, N_y, degree + 1, degree + 1, outputs)
    axes           which coordinates these axes are, increasing
    """

    breaks: tuple[jax.Array, jax.Array]
    coefficients: jax.Array
    axes: tuple[int, int] = eqx.field(static=True)

    @property
    def outputs(self) -> int:
        """The number of unknowns."""
        return self.coefficients.shape[4]

    def partials(self, points, orders):
        """Partial derivatives (n, outputs) at points (n, d), by their orders; polynomials need no jets."""

        def at(point):
            (column, along), (row, across) = (self._tables(k, point[axis][None]) for k, axis in enumerate(self.axes))
            here = self.coefficients[column[0], row[0]]
            return {
                order: jnp.einsum("pqu,p,q->u", here, along(order[self.axes[0]])[0], across(order[self.axes[1]])[0])
                for order in orders
            }

        return jax.lax.map(at, points, batch_size=_TOGETHER)

    def on_grid(self, axes, orders):
        """Partial derivatives on the tensor grid of axes (n_k,), {orders: (outputs, n_x, n_y)}."""
        (column, along), (row, across) = (self._tables(k, axes[axis]) for k, axis in enumerate(self.axes))
        lines, taken = {}, {}
        for order in orders:
            by_x, by_y = (order[axis] for axis in self.axes)
            if by_y not in lines:
                lines[by_y] = jnp.einsum("enpqu,nq->enpu", self.coefficients[:, row], across(by_y))
            taken[order] = jnp.einsum("mnpu,mp->umn", lines[by_y][column], along(by_x))
        return taken

    def cells(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corners (n, 2) of the elements."""
        low, high = (
            np.stack([m.ravel() for m in np.meshgrid(*(np.asarray(b)[part] for b in self.breaks), indexing="ij")], 1)
            for part in (slice(None, -1), slice(1, None))
        )
        return low, high

    def last_shares(self) -> dict[int, float]:
        """{axis: share of the root mean square that the last two coefficients along it hold}, of the worst unknown."""
        areas = np.multiply.outer(*(np.diff(np.asarray(b)) for b in self.breaks))
        norms = 1 / (2 * np.arange(self.coefficients.shape[2]) + 1)  # of normalised polynomials
        squares = (
            np.asarray(self.coefficients) ** 2 * np.multiply.outer(areas, np.multiply.outer(norms, norms))[..., None]
        )
        whole = np.maximum(squares.sum(axis=(0, 1, 2, 3)), np.finfo(float).tiny)
        last = squares[:, :, -2:].sum(axis=(0, 1, 2, 3)), squares[:, :, :, -2:].sum(axis=(0, 1, 2, 3))
        return {axis: float(np.sqrt((tail / whole).max())) for axis, tail in zip(self.axes, last, strict=True)}

    def _tables(self, k: int, places):
        """For each place on axis k its element, and what returns the derivatives of all polynomials there, (n, P)."""
        breaks, count = self.breaks[k], self.coefficients.shape[2 + k]
        element = jnp.clip(jnp.searchsorted(breaks, places, side="right") - 1, 0, len(breaks) - 2)
        inside, width = on_reference(places, breaks[element], breaks[element + 1])
        table = reference_legendre(inside, count)

        def derivatives(order: int):
            return table @ polynomials.slopes(count - 1, order) * (2 / width[:, None]) ** order

        return element, derivatives
