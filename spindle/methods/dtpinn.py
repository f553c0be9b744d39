"""DT-PINN, the discretely trained physics-informed network: space derivatives from precomputed RBF-FD matrices."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, Self

import numpy as np
import sympy
from scipy.spatial import cKDTree

from spindle.classical.fit import NEAR, ClassicalFit, ClassicalSolver, polynomial_misfit
from spindle.classical.nodal_solver import ClassicalSolution, NoClassical, solve_nodal
from spindle.derivatives.pointwise import PointwiseTaylor
from spindle.derivatives.rbf_fd.kernels import KERNEL_RULES
from spindle.derivatives.rbf_fd.nodal import RBFFDDerivatives
from spindle.errors import MethodError
from spindle.geometry.domain import Box, BoxUnion, Interval
from spindle.geometry.levels import LevelPart
from spindle.geometry.pointcloud import PointCloud
from spindle.geometry.shape_domain import ShapeDomain, SpaceTimeDomain
from spindle.geometry.shapes import shape_of
from spindle.geometry.supports import PointSet
from spindle.lowering.constraints import no_constraints
from spindle.lowering.residuals import ResidualForms, residual_forms
from spindle.lowering.scales import scales_of
from spindle.methods.assembly import assemble, pointwise_field, published_problem
from spindle.methods.base import COMMON, Method, Plan, refuse_families, refuse_interfaces
from spindle.methods.settings import Expression, Flag, Positive, Whole, Words, documented, setting
from spindle.objective.objective import Objective
from spindle.points.cloud import Cloud
from spindle.points.node_arrays import Nodes, from_cloud
from spindle.points.nodes import NodeCloud, NodePoints
from spindle.points.scattered import scatter
from spindle.problem.curves import LevelInterface
from spindle.problem.problem import Problem
from spindle.symbolic.functions import evaluate
from spindle.symbolic.symbols import is_time
from spindle.training.optimizers.gauss_newton import GaussNewton
from spindle.training.stages import Stage

_DEFAULT = COMMON | {
    "network": "mlp",
    "width": 32,
    "hidden_layers": 2,
    "activation": "sin",
    "initial": "glorot",
    "frequency": "auto",
    "harmonics": 5,
    "scale_inputs": True,
    "hard": "off",
    "derivatives": "rbf-fd",
    "order": 4,
    "nodes": "auto",
    "times": 25,
    "in_time": "exact",
    "exponent": 7,
    "ghost": 0.25,
    "equations_at": "all",
    "sampling": "scattered",
    "resample": 0,
    "weights": {},
    "balance": 0,
    "faces": "mean",
    "conditions": 100.0,
    "steps": 0,
    "learning_rate": 1e-3,
    "schedule": "constant",
    "lbfgs_steps": 0,
    "lbfgs_rate": 0.04,
    "lbfgs_memory": 100,
    "newton_steps": 60,
    "approach": True,
    "keep": "last",
    "dtype": "float64",
}
_PAPER = _DEFAULT | {
    "scales": "off",
    "width": 50,
    "hidden_layers": 4,
    "activation": "tanh",
    "frequency": 1.0,
    "initial": "uniform",
    "scale_inputs": False,
    "nodes": 828,
    "exponent": "code",
    "conditions": 1.0,
    "lbfgs_steps": 100_000,
    "newton_steps": 0,
    "approach": False,
}
_USUAL, _HIGH = 4.0, 8.0  # frequencies
_SPACINGS = 40  # across the domain: interfaces are kept as far apart as one of them


@documented
@dataclass(frozen=True, kw_only=True, repr=False)
class DTPINN(Method):
    """Discretely trained PINN: space derivatives are sparse products with the network's values at scattered nodes.

    There is no use for the settings on points, and no condition holds by construction. It works on every domain in two
    or three space dimensions. The default trains a small sine network by Gauss-Newton, whose Jacobian is a sparse
    product with that of the network's values; its frequency is 8 where the classical solution is no polynomial of
    degree 8 to 2 %, as at small holes, else 4. It may end as a fit to the classical solution (`approach`, said in the
    record). For a forward problem that solution on the same nodes, which every record shows, is as accurate and faster;
    a network earns its place with measurements and unknown parameters, and as a smooth surrogate.
    Where coefficients jump at a level, nodes lie on it, stencils cross none, and the modulus of the level is an input.
    `recipe="paper"`: four tanh layers of width 50, and L-BFGS of the constant rate published for the problem and the
    precision, in blocks of 20 iterations, begun anew with another network and half the rate where it is lost; with
    `derivatives="exact"` the plain network of the publication, in single precision and with its own rates and nodes.

    Source: Sharma & Shankar (2022), Accelerated Training of Physics-Informed Neural Networks (PINNs) using Meshless
    Discretizations, arXiv 2205.09332.
    """

    derivatives: str | None = setting(
        Words(
            {
                "rbf-fd": "by matrices",
                "exact": "of the network itself at the same nodes, the plain PINN to compare with",
            }
        ),
        "in space",
    )
    order: int | None = setting(
        Whole(1, 12),
        "p, the order of accuracy of the RBF-FD matrices; an operator of order q takes polynomials of degree p + q - 1",
    )
    nodes: int | str | tuple[int, int] | None = setting(
        Whole(1, 10**8, several=True),
        "about how many scattered nodes, inner and boundary ones together; a pair (inner, boundary) is met exactly",
        also={"auto": "2,000 in two dimensions, 4,000 in three"},
    )
    density: sympy.Expr | None = setting(
        Expression(), "spacing of the nodes relative to the mean, in the space coordinates: small where dense"
    )
    times: int | None = setting(Whole(2, 10**5), "instants for problems with time")
    in_time: str | None = setting(
        Words(
            {
                "exact": "of the network",
                "differences": "of order p between the instants, which makes the whole problem discrete",
            }
        ),
        "derivatives in time",
    )
    exponent: int | str | None = setting(Whole(1, 31), "odd m of the kernel r^m", also=KERNEL_RULES)
    stencil: int | None = setting(Whole(2, 10**4), "nodes in a stencil; None: twice the number of polynomials, and one")
    ghost: float | None = setting(Positive(), "distance of the ghost nodes from the boundary, in units of the spacing")
    equations_at: str | None = setting(
        Words({"all": "inner and boundary nodes", "inner": "inner nodes alone, with exact derivatives"}),
        "where equations hold",
    )
    approach: bool | None = setting(
        Flag(),
        "whether Gauss-Newton on the residuals is followed by Gauss-Newton on the distance from the classical solution "
        "at the nodes, where there is one and the network is away from it by more than 1e-5 and half its estimated "
        "error; False, residuals alone, is far less accurate at small holes",
    )

    name: ClassVar[str] = "dtpinn"
    recipes: ClassVar = {"default": _DEFAULT, "paper": _PAPER}
    denser: ClassVar[str] = "`nodes`, or `times` where there is time"

    def decide(self, problem: Problem) -> tuple[Self, tuple[str, ...]]:
        """How many nodes. A frequency that is "auto" follows the classical solution, and is chosen by `plan`."""
        s: Any = self.resolved(problem)
        if s.equations_at == "inner" and s.derivatives != "exact":
            raise MethodError(
                "`spd.DTPINN(equations_at='inner')` leaves the values at ghost nodes without equations, since matrices "
                "take one at each boundary node for each ghost; add `derivatives='exact'`, or leave it out."
            )
        usual = 2_000 if len(curved(problem).shape.coordinates) == 2 else 4_000
        return replace(s, nodes=usual if s.nodes == "auto" else s.nodes), ()

    def plan(self, problem: Problem) -> Plan:
        """The plan: nodes, sparse matrices, one network.

        Raises MethodError where the domain is no shape with nodes, or where settings do not fit it.
        """
        refuse_families(problem, "spd.DTPINN()")
        _refuse_unknown_interfaces(problem)
        _refuse_sums(problem)
        if self.points is not None or self.sampling not in (None, "scattered"):
            raise MethodError(
                "`spd.DTPINN(points=..., sampling=...)` has no use for them: its collocation points are the scattered "
                "nodes of the discretisation; set their number by `nodes`."
            )
        problem, notes = published_problem(problem, self.recipe)
        decided, _ = self.decide(problem)
        s: Any = decided
        domain = curved(problem)
        problem = replace(problem, domain=domain)
        _check_curves(problem, domain)
        nodes = scattered(domain, s, problem.curves)
        met = f", {len(nodes.on_interfaces)} nodes on interfaces" if problem.curves else ""
        notes += (
            f"{len(nodes.interior)} inner, {len(nodes.boundary)} boundary and {len(nodes.ghosts)} ghost nodes{met}",
        )
        constraints = no_constraints(problem)
        if s.scales == "auto":
            constraints = replace(constraints, scales=scales_of(problem))
            notes += (constraints.scales.sentence,) if constraints.scales.sentence else ()
        on_nodes = OnNodes(residual_forms(problem, constraints), nodes, domain, s)
        objective = on_nodes.objective()
        classical = None if s.derivatives == "exact" else on_nodes.classical(objective)
        s, frequency = _frequency(s, classical)
        # Beyond some gain there is nothing but the error of the discretisation to fit.
        newton: tuple[Stage, ...] = (Stage(GaussNewton(s.newton_steps, worth=0.02, patience=5)),)
        if classical and s.approach:
            further = GaussNewton(s.newton_steps, worth=0.02, patience=5, enough=NEAR)
            newton += (Stage(further, ClassicalFit(problem, objective, classical, on_nodes.better), tolerance=0.0),)
        field = pointwise_field(problem, constraints, s, problem.curves)
        plan = assemble(objective, on_nodes.fresh, field, s, (*notes, *frequency), newton)
        return replace(plan, classical=classical)


@dataclass(frozen=True)
class OnNodes:
    """The equations on scattered nodes, and what follows from them.

    s   the method with everything decided
    """

    forms: ResidualForms
    nodes: Nodes
    domain: ShapeDomain
    s: Any

    def objective(self, better: int = 0) -> Objective:
        """The objective on the nodes; `better`: by differences of so many orders more."""
        times, edges = instants(self.domain, self.s), self.s.equations_at == "all"
        on_nodes = NodeCloud(self.forms.supports, self.nodes, times, self.domain.time, edges=edges)
        if self.s.derivatives == "exact":
            return self._with(PointwiseTaylor(NodePoints(on_nodes), self.forms.needs))
        scheme = {
            "exponent": self.s.exponent,
            "size": None if better else self.s.stencil,
            "instants": self.s.in_time == "differences",
        }
        return self._with(RBFFDDerivatives(on_nodes, self.forms.needs, order=self.s.order + better, **scheme))

    def fresh(self) -> Objective:
        """The objective on random points, as many as nodes at all instants, by exact derivatives."""
        times, axes = instants(self.domain, self.s), len(self.forms.problem.coordinates)
        count = len(self.nodes.interior) * (1 if times is None else len(times))
        edge = max(1, round(count ** (1 - 1 / axes)))
        cloud = Cloud(self.forms.supports, self.forms.groups, interior=count, boundary=edge, rule="random")
        return self._with(PointwiseTaylor(cloud, self.forms.needs))

    def _with(self, derivatives) -> Objective:
        return Objective(self.forms, derivatives, faces=self.s.faces)

    def classical(self, objective: Objective) -> ClassicalSolver:
        """() -> the classical solution of an objective on the nodes, kept for the present window."""

        @lru_cache(maxsize=1)
        def solved(window: int):
            return solve_nodal(objective)

        return lambda: solved(objective.window)

    def better(self) -> ClassicalSolution | NoClassical:
        """The classical solution of one order more, from which the error of the other is estimated."""
        return solve_nodal(self.objective(better=1))


def _frequency(s: Any, classical: ClassicalSolver | None) -> tuple[Any, tuple[str, ...]]:
    """With the highest frequency by how sharp the classical solution is, and a sentence where it is."""
    if s.frequency != "auto":
        return s, ()
    known = classical() if classical else None
    misfit = polynomial_misfit(known) if known and known.exists else None
    if not misfit:
        return replace(s, frequency=_USUAL), ()
    note = f"sine features up to frequency {_HIGH:g}: polynomials of degree 8 miss the classical solution by"
    return replace(s, frequency=_HIGH), (f"{note} {misfit:.1%}",)


def curved(problem: Problem) -> ShapeDomain:
    """The domain as a shape, or as a shape at all times; raises MethodError where space has one or many dimensions."""
    domain = problem.domain
    space = [k for k, c in enumerate(problem.coordinates) if not is_time(c)]
    if len(space) not in (2, 3):
        raise MethodError(
            f"`spd.DTPINN()` scatters nodes in two or three space dimensions, and `{problem.name}` has {len(space)}; "
            f"use `spd.SPINN()` or `spd.PINN()`."
        )
    if isinstance(domain, ShapeDomain):
        return domain
    if len(space) == len(problem.coordinates):
        return shape_of(domain)
    (axis,) = set(range(len(problem.coordinates))) - set(space)
    boxes = [Box({problem.coordinates[k]: box[k] for k in space}) for box in domain.boxes]
    low, high = domain.bounds[axis]
    if any(box[axis] != (low, high) for box in domain.boxes):
        raise MethodError(
            f"`spd.DTPINN()` needs a domain that is the same at all times, and {domain} is not; use `spd.PINN()`."
        )
    shape = shape_of(boxes[0] if len(boxes) == 1 else BoxUnion(boxes[0].coordinates, tuple(b.boxes[0] for b in boxes)))
    return SpaceTimeDomain(shape, Interval(problem.coordinates[axis], low, high), first=axis == 0)


def _refuse_sums(problem: Problem) -> None:
    """Raise MethodError where a condition sums values at several points, which no row of sparse matrices holds."""
    for name, pieces in problem.pieces.items():
        if any(place.sums is not None or len(piece.terms) > 1 for piece in pieces for place in _points_of(piece)):
            raise MethodError(
                f"`spd.DTPINN()` takes conditions at one point at a time, and `{name}` of `{problem.name}` sums values "
                f"at several; use `spd.SPINN()` or `spd.PINN()`, or set a value at a point, `spd.Value(u, 0, at=...)`."
            )


def _points_of(piece) -> list[PointSet]:
    return [place for place, _ in piece.terms if isinstance(place, PointSet)]


def _refuse_unknown_interfaces(problem: Problem) -> None:
    """Raise MethodError where coefficients jump along an axis and no level tells where, as in a table."""
    low, high = np.array(problem.domain.bounds, float).T
    for interface in problem.interfaces:
        point = low + (high - low) * 0.37
        point[interface.axis] = interface.left
        if not any(curve.holds(problem, point) for curve in problem.curves):
            refuse_interfaces(problem, "spd.DTPINN()")


def _check_curves(problem: Problem, domain: ShapeDomain) -> None:
    """Raise MethodError where interfaces have no nodes of their own, or cross."""
    if not problem.curves:
        return
    shape = domain.shape
    if isinstance(shape, PointCloud):
        raise MethodError(
            f"`spd.DTPINN()` puts nodes on the interfaces of `{problem.name}`, where {problem.curves[0].what} jumps, "
            f"and the nodes of a point cloud are given; pose it on a shape, such as `spd.Polygon`."
        )
    spacing = shape.volume ** (1 / len(shape.coordinates)) / _SPACINGS
    parts = [part.points(spacing) for part in _level_parts(domain, problem.curves)]
    for (first, here), (second, there) in itertools.combinations(zip(problem.curves, parts, strict=True), 2):
        if len(here) and len(there) and cKDTree(here).query(there)[0].min() < spacing:
            raise MethodError(
                f"`spd.DTPINN()` takes stencils on either side of an interface, and in `{problem.name}` those at "
                f"{first.level} = 0 and {second.level} = 0 cross or nearly touch; keep them apart, or smooth one jump."
            )


def _level_parts(domain: ShapeDomain, curves: Sequence[LevelInterface]) -> list[LevelPart]:
    """Where interfaces lie, of a single field."""
    return [LevelPart(curve.level, domain.bounds, domain.shape, domain.time, 1) for curve in curves]


def scattered(domain: ShapeDomain, s: Any, curves: Sequence[LevelInterface] = ()) -> Nodes:
    """The nodes that the settings ask for, some of them on interfaces, or those of a point cloud."""
    shape = domain.shape
    if isinstance(shape, PointCloud):
        named = {"labels": shape.labels, "sides": shape.sides}
        return from_cloud(shape.interior, shape.nodes, shape.normals, **named, ghost=s.ghost)
    wanted = s.nodes
    counts = {"interior": wanted[0], "boundary": wanted[1]} if isinstance(wanted, tuple) else {"total": wanted}
    parts = _level_parts(domain, curves)

    def between(spacing: float) -> np.ndarray:
        return np.concatenate([part.points(spacing) for part in parts])

    density = _local_spacing(shape, s.density)
    return scatter(shape, **counts, ghost=s.ghost, density=density, between=between if parts else None)


def _local_spacing(shape, density):
    """A function of points; raises MethodError where the expression is not positive everywhere."""
    if density is None:
        return None
    stray = density.free_symbols - set(shape.coordinates)
    if stray:
        raise MethodError(
            f"`spd.DTPINN(density={density})` contains {', '.join(sorted(s.name for s in stray))}, which is no space "
            f"coordinate of the domain; use {', '.join(c.name for c in shape.coordinates)}."
        )

    def spacing(points):
        values = np.broadcast_to(evaluate(density, dict(zip(shape.coordinates, points.T, strict=True))), len(points))
        if not np.all((values > 0) & np.isfinite(values)):
            raise MethodError(
                f"`spd.DTPINN(density={density})` is not positive everywhere in the domain, and nodes need a distance "
                f"from each other; add a constant, as in 0.3 + x**2."
            )
        return values

    return spacing


def instants(domain: ShapeDomain, s: Any) -> np.ndarray | None:
    """Equidistant instants; None without time."""
    return None if domain.time is None else np.linspace(*domain.bounds[domain.time], s.times)
