"""spindle: partial differential equations solved by physics-informed networks whose structure makes them fast."""

import warnings

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
from spindle.problem.problem import Problem
from spindle.problem.references import FamilyReference, GridReference
from spindle.problem_files.read import read_problem
from spindle.results.eigenpairs import Eigenpairs
from spindle.results.solution import Solution
from spindle.solving.eigenpairs import eigenpairs
from spindle.solving.estimates.error_estimate import estimate
from spindle.solving.load import load
from spindle.solving.solve import resume, solve
from spindle.symbolic.operators import curl, div, dot, grad, laplacian, manufactured
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
    "coordinates",
    "curl",
    "div",
    "dot",
    "eigenpairs",
    "estimate",
    "given",
    "grad",
    "laplacian",
    "load",
    "manufactured",
    "normal",
    "parameter",
    "read_problem",
    "resume",
    "solve",
    "tabulated",
    "unknown",
    "vector",
]


def __getattr__(name: str):
    """Names of before, for one version: they work, with a warning that says the new one."""
    renamed = {"Tabulated": GridReference, "TabulatedFamily": FamilyReference}
    if name not in renamed:
        raise AttributeError(f"module `spindle` has no attribute `{name}`")
    new = renamed[name]
    warnings.warn(f"`sp.{name}` is called `sp.{new.__name__}` now.", DeprecationWarning, stacklevel=2)
    return new
