"""spindle: partial differential equations solved by physics-informed networks whose structure makes them fast."""

from spindle.errors import DivergenceError, MethodError, ProblemError, RunError, SolveWarning, SpindleError
from spindle.estimate import estimate
from spindle.files.read import read_problem
from spindle.load import load
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
from spindle.problem.domain import Box, Interval
from spindle.problem.operators import curl, div, dot, grad, laplacian, manufactured
from spindle.problem.pointcloud import PointCloud
from spindle.problem.problem import Problem
from spindle.problem.shapes import Ball, Curve, Disk, Ellipse, Mesh, Polygon
from spindle.problem.symbols import coordinates, given, normal, parameter, unknown, vector
from spindle.problem.tables import tabulated
from spindle.solution import Solution
from spindle.solve import resume, solve
from spindle.types import Tabulated, TabulatedFamily

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
