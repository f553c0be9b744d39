"""What a march asks of the functions of space in which its slabs are solved."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np

from spindle.networks import polynomials
from spindle.networks.fields import Field
from spindle.slabs.rows import SlabRows


class Slab(NamedTuple):
    """Where a slab lies: its start, its length, and the mesh of space: break points, or points on each axis.

    nonlinear   the share of what is nonlinear in residuals that counts; below one in spaces that are `homotopic` only
    enough      for each unknown, changes that are small enough to be left out
    """

    begins: float
    length: float
    mesh: Any
    nonlinear: float = 1.0
    enough: tuple[float, ...] = ()


class Solved(NamedTuple):
    """One slab: its start, its length, its mesh and series (see `SlabSpace`), and the loss."""

    begins: float
    length: float
    mesh: Any
    series: np.ndarray
    loss: float

    @property
    def ends(self) -> float:
        """Its end."""
        return self.begins + self.length


class Step(NamedTuple):
    """A step to the solution of a slab, by Gauss and Newton or by many rounds of something simpler.

    change    of the local coefficients
    loss      before it, or before the last round
    settled   whether what is left to be changed is known to be small enough, see `Slab`
    rounds    it took
    """

    change: np.ndarray
    loss: float
    settled: bool = False
    rounds: int = 1


class SlabSpace(ABC):
    """Functions of space, as many as a mesh says, times polynomials in a slab of time.

    Solutions are written as series (.., m, T): Legendre coefficients in time of each unknown, whatever the axes before
    are; and as local coefficients of the same shape, of functions of time that know the start.

    rows       what is to be small
    unknowns   how many, m
    duration   the degree in time
    homotopic  whether steps heed `Slab.nonlinear`
    patience   steps, or rounds of them, that a slab may take; more are a sign that it is too long
    dear       whether to look for an error costs nearly as much as the solution
    """

    rows: SlabRows
    unknowns: int
    duration: int
    homotopic: ClassVar[bool] = False
    patience: ClassVar[int] = 12
    dear: ClassVar[bool] = False

    @cached_property
    def given(self) -> int:
        """The most derivatives by time that are known at the start of an unknown."""
        return max(self.rows.given, default=0)

    @cached_property
    def during(self) -> np.ndarray:
        """The functions of a slab of time, as columns of Legendre coefficients."""
        return polynomials.starting(self.duration, self.given)

    def state(self, series: np.ndarray, length: float, at: float) -> np.ndarray:
        """Value, rate, .. of a series at an end of its slab, -1 or 1: (.., m, given)."""
        return np.stack(
            [
                np.einsum("...t,t->...", series, polynomials.values([at], self.duration, j)[0] * (2 / length) ** j)
                for j in range(self.given)
            ],
            axis=-1,
        )

    def beginning(self, state: np.ndarray, length: float) -> np.ndarray:
        """The series of a slab that stays, or goes on, as it begins."""
        given = np.array([(length / 2) ** j for j in range(self.given)])
        return np.einsum("...g,tg->...t", state * given, self.during[:, : self.given])

    def largest_coefficients(self, series: np.ndarray) -> np.ndarray:
        """(m,) the largest coefficient of each unknown."""
        return np.abs(series).max(axis=(*range(series.ndim - 2), series.ndim - 1))

    @abstractmethod
    def enriched(self, degrees: int) -> "SlabSpace":
        """The same with polynomials of so many degrees more."""

    @abstractmethod
    def of_errors(self) -> "SlabSpace | None":
        """The space in which one step tells the error of a slab; None where none does."""

    @abstractmethod
    def mesh_of_errors(self, mesh) -> Any:
        """The mesh on which the error of a slab is looked for: no coarser than that of the slab."""

    @abstractmethod
    def nothing(self, mesh) -> np.ndarray:
        """The series of zero."""

    @abstractmethod
    def series(self, local: np.ndarray) -> np.ndarray:
        """The series of local coefficients."""

    @abstractmethod
    def local(self, series: np.ndarray, mesh) -> np.ndarray:
        """The local coefficients of a series."""

    @abstractmethod
    def largest(self, series: np.ndarray) -> np.ndarray:
        """(m,) a bound of the largest values of the unknowns, and of their moduli."""

    @abstractmethod
    def changes(self, series: np.ndarray, mesh) -> np.ndarray:
        """(m,) by how much solutions count as apart whose difference is a series."""

    @abstractmethod
    def tails(self, series: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """The last coefficients in each place of the mesh, or along each axis, by the size of their unknown."""

    @abstractmethod
    def finer(self, mesh, tails: np.ndarray, tolerance: float, most: int) -> Any:
        """The mesh that is finer where tails exceed the tolerance; None where none do, or no more can be done."""

    @abstractmethod
    def coarser(self, slab: Solved, tails: np.ndarray, sizes: np.ndarray, tolerance: float) -> Any:
        """The mesh for the next slab, coarser where a finer one is not needed.

        sizes   (m,) of the unknowns
        """

    @abstractmethod
    def moved(self, series: np.ndarray, mesh, other) -> np.ndarray:
        """A series (.., any) of one mesh on another, exact where that is finer."""

    @abstractmethod
    def sizes(self, slabs: Sequence["Solved"]) -> dict[str, Any]:
        """What says how large the field of these slabs is, in plain data."""

    @abstractmethod
    def empty(self, sizes: Mapping[str, Any]) -> Field:
        """A field of that size without values."""

    @abstractmethod
    def laid(self, slabs: Sequence["Solved"]) -> Field:
        """The field of these slabs."""

    @abstractmethod
    def slabs(self, field: Field) -> list["Solved"]:
        """The slabs of which `laid` made a field; what their losses were is not in it."""

    @abstractmethod
    def described(self, slabs: Sequence["Solved"], names: Sequence[str]) -> str:
        """The mesh of these slabs in words.

        names   of the axes of space
        """

    @abstractmethod
    def compile(self, slab: Slab) -> None:
        """Compile what `step` runs, on a slab that is thrown away."""

    @abstractmethod
    def step(
        self, begins: bool, local: np.ndarray, slab: Slab, damping: float, carried: np.ndarray | None = None
    ) -> Step:
        """One step.

        begins    whether the state at the start is solved for, by its conditions alone; else the slab from that state
        damping   added to the diagonal of J^T J, which is scaled to one
        carried   another change of the local coefficients, which stays as it is: what the slab before hands over. The
                  step is the one beside it, and both together are right to first order, however large they are
        """
