"""spindle: partial differential equations solved by physics-informed networks whose structure makes them fast."""

from spindle.errors import DivergenceError, MethodError, ProblemError, RunError, SolveWarning, SpindleError
from spindle.geometry.domain import Box, Interval
from spindle.geometry.pointcloud import PointCloud
from spindle.geometry.shapes import Ball, Curve, Disk, Ellipse, Mesh, Polygon
from spindle.methods.causal import CausalPINN
from spindle.methods.dtpinn import DTPINN
from spindle.methods.fastlrnr import FastLRNR
from spindle.methods.lrpinn import LRPINN
from spindle.methods.pinn import PINN
from spindle.methods.spinn import SPINN
from spindle.problem.conditions.boundary import Dirichlet, Neumann, Robin
from spindle.problem.conditions.initial import Initial
from spindle.problem.conditions.observed import Observed
from spindle.problem.conditions.periodic import Periodic
from spindle.problem.problem import Problem
from spindle.problem.references import Tabulated, TabulatedFamily
from spindle.problem_files.read import read_problem
from spindle.results.solution import Solution
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
    "Ellipse",
    "FastLRNR",
    "Initial",
    "Interval",
    "Mesh",
    "MethodError",
    "Neumann",
    "Observed",
    "Periodic",
    "PointCloud",
    "Polygon",
    "Problem",
    "ProblemError",
    "Robin",
    "RunError",
    "Solution",
    "SolveWarning",
    "SpindleError",
    "Tabulated",
    "TabulatedFamily",
    "coordinates",
    "curl",
    "div",
    "dot",
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
