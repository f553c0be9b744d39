"""Networks of all coordinates that Gauss-Newton trains: how large they are, on how many points, for how many steps.

A step costs about rows times the square of the parameters, so that networks are small and points about twice as many
as parameters; these go where the residual is between the steps.
"""

from dataclasses import replace
from typing import Any

import jax

from spindle.adaptivity.points_by_residual import ADAPTIVE
from spindle.lowering.resolution import degrees
from spindle.methods.assembly import body_options, embedding, enough_points
from spindle.networks.registry import BODIES
from spindle.problem.problem import Problem
from spindle.training.optimizers.gauss_newton import GaussNewton
from spindle.training.redrawing import Redrawing
from spindle.training.stages import Stage

_MOST = 4_000  # parameters: half a gigabyte of work, and some seconds a step
_WIDTH = {"mlp": 24, "modified": 20}
_POINTS, _LEAST_POINTS = 2_500, 1_000  # of all equations together, and of each
_STEPS = 600
# Slopes of first layers on [-1, 1]: at least, and on a single axis, where nothing tells of the solution but time; as a
# share of the Legendre degree that resolves sources and data to rounding errors; and the steepest.
_LEAST, _LEAST_ALONE, _OF_DEGREE, _MOST_STEEP = 3.0, 8.0, 0.2, 10.0
# Steps between two sets of points: within twenty a network fits so many points to a thousandth of the residual that it
# leaves between them, and nothing is gained.
_EVERY, _EVERY_OF_BROYDEN = 2, 100
_ENOUGH = 1e-7  # residual, relative to that of the zero field


def left_open(s: Any, usual: dict[str, Any]) -> Any:
    """The method with these values for settings that are left to it."""
    return replace(s, **{name: value for name, value in usual.items() if _is_open(getattr(s, name))})


def _is_open(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"


def of_second_order(s: Any, problem: Problem) -> bool:
    """Whether Gauss-Newton or SSBroyden is asked for, or is the best that can be done with what is left open."""
    if s.broyden_steps:
        return True
    if s.newton_steps != "auto":
        return bool(s.newton_steps)
    # What the user brings along for steps of first order asks for them; of a network of theirs nobody knows the cost.
    if s.optimizer is not None or callable(s.learning_rate) or s.balancing != "gradient norms":
        return False
    if not isinstance(s.network, str):
        return False
    asked = any(steps not in ("auto", 0) for steps in (s.steps, s.lbfgs_steps))
    return not asked and not s.causal and s.dtype == "float64" and _parameters(s, problem) <= _MOST


def by_second_order(s: Any, problem: Problem) -> Any:
    """The method with a value for whatever is left open, for training by Gauss-Newton or SSBroyden."""
    rule = "rad" if isinstance(s.points, (int, tuple, str)) else "sobol"
    width = _WIDTH.get(s.network, 48) if isinstance(s.network, str) else 48
    s = left_open(s, {"width": width, "sampling": rule, "initial": "spread"})
    axes, points = len(problem.coordinates), max(_LEAST_POINTS, _POINTS // len(problem.equations))
    usual = {
        "frequency": _slopes(problem),
        "points": enough_points(axes, total=points, most=points),
        "resample": (_EVERY_OF_BROYDEN if s.broyden_steps else _EVERY) if s.sampling in ADAPTIVE else 0,
        "balance": 0,
        "steps": 0,
        "lbfgs_steps": 0,
        "newton_steps": 0 if s.broyden_steps else _STEPS,
    }
    return left_open(s, usual)


def _slopes(problem: Problem) -> tuple[float, ...]:
    """On each axis the steepest slope of the first layer, by how fast the waves of sources and data are.

    From slopes of one, which are usual, the first hundred steps are spent on making neurons steep.
    """
    least = _LEAST_ALONE if len(problem.coordinates) == 1 else _LEAST
    return tuple(min(_MOST_STEEP, max(least, _OF_DEGREE * degree)) for degree in degrees(problem))


def newton_stages(s: Any) -> tuple[Stage, ...]:
    """The stage of Gauss-Newton, where there is one.

    Its steps follow the curvature of the residuals: of these networks that saves half of them.
    """
    if not s.newton_steps:
        return ()
    return (Stage(GaussNewton(s.newton_steps, accelerated=True, enough=_ENOUGH, resamples=bool(s.resample))),)


def said_of_newton(s: Any, redrawing: Redrawing | None) -> tuple[str, ...]:
    """A sentence on how the network is trained."""
    if not s.newton_steps:
        return ()
    where = f", on points that are drawn by the residual every {s.resample} steps" if redrawing else ""
    return (f"trained by Gauss-Newton{where}",)


def _parameters(s: Any, problem: Problem) -> int:
    """The number of trained numbers of the network."""
    s = left_open(s, {"width": _WIDTH.get(s.network, 48)})
    periodic = tuple(k in problem.periodic_axes for k in range(len(problem.coordinates)))

    def body(key):
        first = embedding(problem.domain.bounds, periodic, s, key=key)
        options = body_options(s) | {"frequency": 1.0}
        return BODIES[s.network](first.width, len(problem.unknowns), **options, key=key)

    return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(body, jax.random.PRNGKey(0))))
