"""DT-PINN, the discretely trained physics-informed network: space derivatives from precomputed RBF-FD matrices."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np
import sympy

from spindle.derivatives.discrete import Discrete
from spindle.derivatives.pointwise import PointwiseTaylor
from spindle.errors import MethodError
from spindle.lowering.constraints import no_constraints
from spindle.lowering.residuals import residual_forms
from spindle.lowering.scales import scales_of
from spindle.methods.base import (
    Method,
    Plan,
    assemble,
    pointwise_field,
    published_problem,
    refuse_families,
)
from spindle.methods.direct import direct
from spindle.methods.nearby import NEAR, Approach, Found, sharp
from spindle.objective.objective import Objective
from spindle.points.cloud import Cloud
from spindle.points.nodes import NodeCloud, NodePoints
from spindle.points.scattered import Nodes, from_cloud, scatter
from spindle.problem.curved import Curved, Cylinder
from spindle.problem.domain import Box, BoxUnion, Interval
from spindle.problem.functions import evaluate
from spindle.problem.pointcloud import PointCloud
from spindle.problem.problem import Problem
from spindle.problem.shapes import shape_of
from spindle.problem.symbols import is_time
from spindle.training.optimizers.gauss_newton import GaussNewton
from spindle.training.stages import Stage

_PAPER = {
    "network": "mlp",
    "width": 50,
    "hidden_layers": 4,
    "activation": "tanh",
    "initial": "uniform",
    "frequency": 1.0,
    "harmonics": 5,
    "scale_inputs": False,
    "hard": "off",
    "derivatives": "rbf-fd",
    "order": 4,
    "nodes": 828,
    "times": 25,
    "in_time": "exact",
    "exponent": 5,
    "ghost": 0.25,
    "sampling": "scattered",
    "resample": 0,
    "weights": {},
    "balance": 0,
    "faces": "mean",
    "conditions": 1.0,
    "steps": 0,
    "learning_rate": 1e-3,
    "schedule": "constant",
    "lbfgs_steps": 100_000,
    "lbfgs_rate": 0.04,
    "lbfgs_memory": 100,
    "newton_steps": 0,
    "approach": False,
    "keep": "last",
    "dtype": "float64",
}
_USUAL, _HIGH = 4.0, 8.0  # frequencies


@dataclass(frozen=True, kw_only=True, repr=False)
class DTPINN(Method):
    """Discretely trained PINN: space derivatives are sparse products with the network's values at scattered nodes.

    derivatives   "rbf-fd", or "exact": of the network itself at the same nodes, the plain PINN to compare with
    order      p, the order of accuracy of the RBF-FD matrices; an operator of order q takes polynomials of degree
               p + q - 1
    nodes      about how many scattered nodes, inner and boundary ones together; a pair (inner, boundary) is met
               exactly; "auto": 2,000 in two dimensions, 4,000 in three
    density    spacing of the nodes relative to the mean, an expression in the space coordinates: small where dense
    times      instants for problems with time
    in_time    derivatives in time: "exact", of the network, or "differences" of order p between the instants, which
               makes the whole problem discrete
    exponent   odd m of the kernel r^m
    stencil    nodes in a stencil; None: twice the number of polynomials, and one
    ghost      distance of the ghost nodes from the boundary, in units of the spacing
    approach   whether Gauss-Newton on the residuals is followed by Gauss-Newton on the distance from the classical
               solution at the nodes, where there is one and the network is away from it by more than 1e-5 and half
               its estimated error; False: residuals alone, which is far less accurate at small holes
    frequency  "auto": 8 where the classical solution is no polynomial of degree 8 to 2 %, as at small holes; else 4

    The settings of all methods apply but those on points; no condition holds by construction. Works on every domain in
    two or three space dimensions. The default trains a small sine network by Gauss-Newton, whose Jacobian is a sparse
    product with that of the network's values, and may end as a fit to the classical solution (`approach`, said in the
    record). For a forward problem that solution on the same nodes, which every record shows, is as accurate and faster;
    a network earns its place with measurements and unknown parameters, and as a smooth surrogate.
    `recipe="paper"`: as published, four tanh layers of width 50 and L-BFGS of constant rate, halved where it diverges.

    Source: Sharma & Shankar (2022), Accelerated Training of Physics-Informed Neural Networks (PINNs) using Meshless
    Discretizations, arXiv 2205.09332.
    """

    derivatives: str | None = None
    order: int | None = None
    nodes: int | str | tuple[int, int] | None = None
    density: sympy.Expr | None = None
    times: int | None = None
    in_time: str | None = None
    exponent: int | None = None
    stencil: int | None = None
    ghost: float | None = None
    approach: bool | None = None

    name: ClassVar[str] = "dtpinn"
    recipes: ClassVar = {
        "paper": _PAPER,
        "default": _PAPER
        | {
            "width": 32,
            "hidden_layers": 2,
            "activation": "sin",
            "frequency": "auto",
            "initial": "glorot",
            "scale_inputs": True,
            "nodes": "auto",
            "exponent": 7,
            "lbfgs_steps": 0,
            "newton_steps": 60,
            "approach": True,
            "conditions": 100.0,
        },
    }

    def plan(self, problem: Problem) -> Plan:
        """Nodes, sparse matrices, one network."""
        refuse_families(problem, "sp.DTPINN()")
        if self.points is not None or self.sampling not in (None, "scattered"):
            raise MethodError(
                "`sp.DTPINN(points=..., sampling=...)` has no use for them: its collocation points are the scattered "
                "nodes of the discretisation; set their number by `nodes`."
            )
        problem, notes = published_problem(problem, self.recipe)
        settings = self.resolved(problem)
        domain = curved(problem)
        problem = replace(problem, domain=domain)
        space = len(domain.shape.coordinates)
        if settings["nodes"] == "auto":
            settings["nodes"] = 2_000 if space == 2 else 4_000
        nodes = scattered(domain, settings)
        notes += (f"{len(nodes.interior)} inner, {len(nodes.boundary)} boundary and {len(nodes.ghosts)} ghost nodes",)
        constraints = no_constraints(problem)
        if settings["scales"] == "auto":
            constraints = replace(constraints, scales=scales_of(problem))
            notes += (constraints.scales.sentence,) if constraints.scales.sentence else ()
        times = instants(domain, settings)

        forms = residual_forms(problem, constraints)

        def derivatives(fresh: bool, better: int = 0):
            if fresh:
                count = len(nodes.interior) * (1 if times is None else len(times))
                edge = max(1, round(count ** (1 - 1 / len(problem.coordinates))))
                cloud = Cloud(forms.supports, forms.groups, interior=count, boundary=edge, rule="random")
                return PointwiseTaylor(cloud, forms.needs)
            on_nodes = NodeCloud(forms.supports, nodes, times, domain.time)
            if settings["derivatives"] == "exact":
                return PointwiseTaylor(NodePoints(on_nodes), forms.needs)
            scheme = {
                "exponent": settings["exponent"],
                "size": None if better else settings.get("stencil"),
                "instants": settings["in_time"] == "differences",
            }
            return Discrete(on_nodes, forms.needs, order=settings["order"] + better, **scheme)

        # Beyond some gain there is nothing but the error of the discretisation to fit.
        newton = Stage(GaussNewton(settings["newton_steps"], worth=0.02, patience=5))

        plan = assemble(forms, pointwise_field(problem, constraints, settings), derivatives, settings, notes, (newton,))

        @lru_cache(maxsize=1)
        def classical(window: int):
            return direct(plan.objective)

        def found():
            return classical(plan.objective.window)

        def better():
            return direct(Objective(forms, derivatives(False, better=1), faces=settings["faces"]))

        return beside(plan, better, None if settings["derivatives"] == "exact" else found)


def beside(plan: Plan, better: Found, found: Found | None) -> Plan:
    """The plan with the classical solution, where there is one: what it tells, and how training goes on with it.

    better   () -> the classical solution of one order more, from which the error of the other is estimated
    """
    settings = plan.settings
    if settings["frequency"] == "auto":
        known = found() if found else ""
        misfit = None if isinstance(known, str) else sharp(known)
        settings["frequency"] = _HIGH if misfit else _USUAL
        if misfit:
            note = f"sine features up to frequency {_HIGH:g}: polynomials of degree 8 miss the classical solution by"
            plan = replace(plan, choices=(*plan.choices, f"{note} {misfit:.1%}"))
    if found is None:
        return plan
    if settings["approach"] and settings["newton_steps"]:
        newton = GaussNewton(settings["newton_steps"], worth=0.02, patience=5, enough=NEAR)
        further = Stage(newton, Approach(plan.problem, plan.objective, found, better), tolerance=0.0)
        plan = replace(plan, schedule=replace(plan.schedule, stages=(*plan.schedule.stages, further)))
    return replace(plan, classical=found)


def curved(problem: Problem) -> Curved:
    """The domain as a shape, or as a shape at all times; raises MethodError where space has one or many dimensions."""
    domain = problem.domain
    space = [k for k, c in enumerate(problem.coordinates) if not is_time(c)]
    if len(space) not in (2, 3):
        raise MethodError(
            f"`sp.DTPINN()` scatters nodes in two or three space dimensions, and `{problem.name}` has {len(space)}; "
            f"use `sp.SPINN()` or `sp.PINN()`."
        )
    if isinstance(domain, Curved):
        return domain
    if len(space) == len(problem.coordinates):
        return shape_of(domain)
    (axis,) = set(range(len(problem.coordinates))) - set(space)
    boxes = [Box({problem.coordinates[k]: box[k] for k in space}) for box in domain.boxes]
    low, high = domain.bounds[axis]
    if any(box[axis] != (low, high) for box in domain.boxes):
        raise MethodError(
            f"`sp.DTPINN()` needs a domain that is the same at all times, and {domain} is not; use `sp.PINN()`."
        )
    shape = shape_of(boxes[0] if len(boxes) == 1 else BoxUnion(boxes[0].coordinates, tuple(b.boxes[0] for b in boxes)))
    return Cylinder(shape, Interval(problem.coordinates[axis], low, high), first=axis == 0)


def scattered(domain: Curved, settings) -> Nodes:
    """The nodes that the settings ask for; a point cloud has its own."""
    shape = domain.shape
    if isinstance(shape, PointCloud):
        own = {"labels": shape.labels, "sides": shape.sides, "ghost": settings["ghost"]}
        return from_cloud(shape.interior, shape.nodes, shape.normals, **own)
    wanted = settings["nodes"]
    counts = {"interior": wanted[0], "boundary": wanted[1]} if isinstance(wanted, tuple) else {"total": wanted}
    return scatter(shape, **counts, ghost=settings["ghost"], density=_local_spacing(shape, settings.get("density")))


def _local_spacing(shape, density):
    """A function of points; raises MethodError where the expression is not positive everywhere."""
    if density is None:
        return None
    stray = density.free_symbols - set(shape.coordinates)
    if stray:
        raise MethodError(
            f"`sp.DTPINN(density={density})` contains {', '.join(sorted(s.name for s in stray))}, which is no space "
            f"coordinate of the domain; use {', '.join(c.name for c in shape.coordinates)}."
        )

    def spacing(points):
        values = np.broadcast_to(evaluate(density, dict(zip(shape.coordinates, points.T, strict=True))), len(points))
        if not np.all((values > 0) & np.isfinite(values)):
            raise MethodError(
                f"`sp.DTPINN(density={density})` is not positive everywhere in the domain, and nodes need a distance "
                f"from each other; add a constant, as in 0.3 + x**2."
            )
        return values

    return spacing


def instants(domain: Curved, settings) -> np.ndarray | None:
    """Equidistant instants; None without time."""
    return None if domain.time is None else np.linspace(*domain.bounds[domain.time], settings["times"])
