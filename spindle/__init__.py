"""spindle: partial differential equations solved by physics-informed networks whose structure makes them fast."""

import importlib
import importlib.metadata
import warnings
from typing import TYPE_CHECKING, Any

from spindle.report import pages as _pages  # noqa: F401  who draws solutions; it loads what it needs when it draws

if TYPE_CHECKING:  # what is offered is loaded when it is asked for: to pose a problem takes no JAX
    from spindle import gallery
    from spindle.errors import DivergenceError, MethodError, ProblemError, RunError, SolveWarning, SpindleError
    from spindle.geometry.domain import Box, Interval
    from spindle.geometry.pointcloud import PointCloud
    from spindle.geometry.shapes import Ball, Curve, Disk, Ellipse, Mesh, PlaneMesh, Polygon
    from spindle.methods.causal import CausalPINN
    from spindle.methods.dtpinn import DTPINN
    from spindle.methods.fastlrnr import FastLRNR
    from spindle.methods.lrpinn import LRPINN
    from spindle.methods.pinn import PINN
    from spindle.methods.spinn import SPINN
    from spindle.problem.conditions.boundary import Dirichlet, Neumann, Robin
    from spindle.problem.conditions.initial import Initial
    from spindle.problem.conditions.interface import Interface
    from spindle.problem.conditions.observed import Observed
    from spindle.problem.conditions.periodic import Periodic
    from spindle.problem.conditions.sums import Linked, Mean, Total, Value
    from spindle.problem.problem import Problem
    from spindle.problem.references import FamilyReference, GridReference
    from spindle.problem_files.read import read_problem
    from spindle.report.side_by_side import compare
    from spindle.results.eigenpairs import Eigenpairs
    from spindle.results.solution import Solution
    from spindle.solving.eigenpairs import eigenpairs
    from spindle.solving.estimates.error_estimate import estimate
    from spindle.solving.load import load
    from spindle.solving.solve import resume, solve
    from spindle.symbolic.operators import curl, div, dot, grad, laplacian, manufactured
    from spindle.symbolic.point_source import point_source
    from spindle.symbolic.sides import side
    from spindle.symbolic.symbols import coordinates, given, normal, parameter, unknown, vector
    from spindle.symbolic.tables import tabulated

__all__ = [
    "DTPINN",
    "LRPINN",
    "PINN",
    "SPINN",
    "Ball",
    "Box",
    "CausalPINN",
    "Curve",
    "Dirichlet",
    "Disk",
    "DivergenceError",
    "Eigenpairs",
    "Ellipse",
    "FamilyReference",
    "FastLRNR",
    "GridReference",
    "Initial",
    "Interface",
    "Interval",
    "Linked",
    "Mean",
    "Mesh",
    "MethodError",
    "Neumann",
    "Observed",
    "Periodic",
    "PlaneMesh",
    "PointCloud",
    "Polygon",
    "Problem",
    "ProblemError",
    "Robin",
    "RunError",
    "Solution",
    "SolveWarning",
    "SpindleError",
    "Total",
    "Value",
    "compare",
    "coordinates",
    "curl",
    "div",
    "dot",
    "eigenpairs",
    "estimate",
    "gallery",
    "given",
    "grad",
    "laplacian",
    "load",
    "manufactured",
    "normal",
    "parameter",
    "point_source",
    "read_problem",
    "resume",
    "side",
    "solve",
    "tabulated",
    "unknown",
    "vector",
]

# Where each of these names lives.
_HOMES = {
    "DTPINN": "spindle.methods.dtpinn",
    "LRPINN": "spindle.methods.lrpinn",
    "PINN": "spindle.methods.pinn",
    "SPINN": "spindle.methods.spinn",
    "Ball": "spindle.geometry.shapes",
    "Box": "spindle.geometry.domain",
    "CausalPINN": "spindle.methods.causal",
    "Curve": "spindle.geometry.shapes",
    "Dirichlet": "spindle.problem.conditions.boundary",
    "Disk": "spindle.geometry.shapes",
    "DivergenceError": "spindle.errors",
    "Eigenpairs": "spindle.results.eigenpairs",
    "Ellipse": "spindle.geometry.shapes",
    "FamilyReference": "spindle.problem.references",
    "FastLRNR": "spindle.methods.fastlrnr",
    "GridReference": "spindle.problem.references",
    "Initial": "spindle.problem.conditions.initial",
    "Interface": "spindle.problem.conditions.interface",
    "Interval": "spindle.geometry.domain",
    "Linked": "spindle.problem.conditions.sums",
    "Mean": "spindle.problem.conditions.sums",
    "Mesh": "spindle.geometry.shapes",
    "MethodError": "spindle.errors",
    "Neumann": "spindle.problem.conditions.boundary",
    "Observed": "spindle.problem.conditions.observed",
    "Periodic": "spindle.problem.conditions.periodic",
    "PlaneMesh": "spindle.geometry.shapes",
    "PointCloud": "spindle.geometry.pointcloud",
    "Polygon": "spindle.geometry.shapes",
    "Problem": "spindle.problem.problem",
    "ProblemError": "spindle.errors",
    "Robin": "spindle.problem.conditions.boundary",
    "RunError": "spindle.errors",
    "Solution": "spindle.results.solution",
    "SolveWarning": "spindle.errors",
    "SpindleError": "spindle.errors",
    "Total": "spindle.problem.conditions.sums",
    "Value": "spindle.problem.conditions.sums",
    "compare": "spindle.report.side_by_side",
    "coordinates": "spindle.symbolic.symbols",
    "curl": "spindle.symbolic.operators",
    "div": "spindle.symbolic.operators",
    "dot": "spindle.symbolic.operators",
    "eigenpairs": "spindle.solving.eigenpairs",
    "estimate": "spindle.solving.estimates.error_estimate",
    "given": "spindle.symbolic.symbols",
    "grad": "spindle.symbolic.operators",
    "laplacian": "spindle.symbolic.operators",
    "load": "spindle.solving.load",
    "manufactured": "spindle.symbolic.operators",
    "normal": "spindle.symbolic.symbols",
    "parameter": "spindle.symbolic.symbols",
    "point_source": "spindle.symbolic.point_source",
    "read_problem": "spindle.problem_files.read",
    "resume": "spindle.solving.solve",
    "side": "spindle.symbolic.sides",
    "solve": "spindle.solving.solve",
    "tabulated": "spindle.symbolic.tables",
    "unknown": "spindle.symbolic.symbols",
    "vector": "spindle.symbolic.symbols",
}
_RENAMED = {"Tabulated": "GridReference", "TabulatedFamily": "FamilyReference"}


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def __getattr__(name: str) -> Any:
    """What is offered, loaded at its first use; the version; and for one version more names of before."""
    if name == "__version__":
        return importlib.metadata.version("spindle-pinn")
    if name == "gallery":
        return importlib.import_module("spindle.gallery")
    if name in _RENAMED:
        new = _RENAMED[name]
        warnings.warn(f"`spd.{name}` is called `spd.{new}` now.", DeprecationWarning, stacklevel=2)
        return getattr(importlib.import_module(_HOMES[new]), new)
    if name not in _HOMES:
        raise AttributeError(f"module `spindle` has no attribute `{name}`")
    offered = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = offered
    return offered
