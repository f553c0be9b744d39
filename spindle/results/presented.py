"""What solutions and members of families offer alike: pictures, tables and files of their fields."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spindle.errors import ProblemError, nearest, usage
from spindle.results.axes import completed
from spindle.results.presenter import presenter
from spindle.results.vtk import write_vtk
from spindle.storage.arrays import write_atomically
from spindle.symbolic.words import text

if TYPE_CHECKING:
    import pandas
    import xarray


class Presented(ABC):
    """Interface of what has fields that can be drawn and exported (never built itself)."""

    @abstractmethod
    def grid(self, expression=None, **axes) -> Any:
        """Values on a tensor grid; each axis is a number of equidistant points or an array of nodes."""

    @abstractmethod
    def to_xarray(self, *, units=None, **axes) -> "xarray.Dataset":
        """A Dataset of all unknowns and quantities on a grid."""

    @property
    @abstractmethod
    def posed(self):
        """The problem whose coordinates the fields have."""

    @property
    @abstractmethod
    def whole(self):
        """The solution that the fields belong to."""

    @usage("solution.plot()` or `solution.plot(u.diff(x), t=0.5)", name="solution.plot")
    def plot(self, expression=None, *, show: str = "computed", axes=None, **at):
        """Draw a field by Matplotlib; returns the Axes, or an array of Axes where there are several pictures.

        expression  an unknown, a quantity, or any expression of the unknowns; default: the first unknown
        show        "computed"; "reference" and "error" where a reference is known
        axes        Axes to draw into; default: those of a new figure
        at          coordinates and parameters that are held fixed: `t=0.5`, or several values, `t=[0, 0.5, 1]`

        One coordinate that is left makes a line, with the reference in grey behind it; several values make several
        lines. Two make a picture in colours, time to the right where it is one of them, cut out along the boundary of
        a curved domain. Of more coordinates four instants, or the planes through the largest values, and of a family
        four members are drawn side by side. Takes some tenths of a second beside the evaluation.

            solution.plot()
            solution.plot(u.diff(x), t=[0, 1]).figure.savefig("slope.png")

        Raises ProblemError where coordinates, the expression or `show` do not fit the problem.
        """
        return presenter().plot(self, expression, show, axes, at)

    @usage("solution.to_dataframe(x=100, y=100)", name="solution.to_dataframe")
    def to_dataframe(self, **axes) -> "pandas.DataFrame":
        """A table with a row for each point of a grid that lies in the domain: coordinates, unknowns, quantities.

        axes   numbers of nodes or nodes, as of `to_xarray`; those left out have up to 101 nodes

            solution.to_dataframe(t=[0.5], x=101).to_csv("middle.csv", index=False)
        """
        dataset = self.to_xarray(**completed(self.posed, axes))
        return dataset.to_dataframe().reset_index().dropna(how="all", subset=list(dataset)).reset_index(drop=True)

    @usage('solution.to_netcdf("u.nc", x=100, y=100)', name="solution.to_netcdf")
    def to_netcdf(self, path, *, units=None, **axes) -> Path:
        """Write the Dataset of `to_xarray` to a NetCDF file, whole or not at all, and return its path.

        units   {name of a coordinate or field: its unit}, kept as attributes: `{"u": "K", "t": "s"}`
        axes    as of `to_dataframe`

        Attributes of the file say which problem it is, the method with all its settings, the verdict and the versions.
        """
        dataset = self.to_xarray(units=units, **completed(self.posed, axes))
        path = Path(path)
        write_atomically(path, bytes(dataset.to_netcdf(engine="h5netcdf")))
        return path

    @usage('solution.to_vtk("u.vtu")', name="solution.to_vtk")
    def to_vtk(self, path, *, points: int | None = None, **axes) -> Path:
        """Write all unknowns and quantities for ParaView, PyVista or VisIt, and return the path of the file to open.

        path     `a.vtu`; where there is time the instants are `a_0000.vtu`, ... and `a.pvd` lists them
        points   about how many nodes a curved domain gets; default: those of the method, else 2,000, in space 4,000
        axes     numbers of nodes or nodes; a single value fixes a coordinate, `z=0.5`; time: 11 instants

        Boxes become quadrilaterals or hexahedra, curved domains their nodes joined to triangles or tetrahedra. Exact
        solutions stand beside the fields, `u_exact`. Values are in double precision.
        Raises ProblemError where no coordinate of space, or more than three are left, and for a family as a whole.

            solution.to_vtk("plate.vtu")
            member.to_vtk("member.vtu", t=21)
        """
        return write_vtk(self, Path(path), points, axes)


def attributes_of(solution) -> dict[str, Any]:
    """What a file should say of a solution besides its numbers: texts and numbers by name."""
    run, problem = solution.run, solution.problem
    return {
        "title": problem.title or problem.name,
        "problem": problem.name,
        "equations": "; ".join(text(e.written) for e in problem.equations),
        "method": solution.method_name,
        "settings": json.dumps(solution.plan.settings.as_dict(), default=str),
        "seed": run.seed,
        "precision": solution.plan.dtype,
        "verdict": str(solution.verdict),
        "loss": run.loss,
        "versions": json.dumps(dict(run.versions)),
    }


def with_units(dataset: "xarray.Dataset", units: Mapping[str, str]) -> "xarray.Dataset":
    """The Dataset with a unit for each variable that is named; raises ProblemError for what it does not have."""
    for name, unit in units.items():
        if name not in dataset.variables:
            known = map(str, dataset.variables)
            raise ProblemError(f"`units={{{name!r}: ...}}` names no coordinate or field." + nearest(name, known))
        dataset[name].attrs["units"] = str(unit)
    return dataset
