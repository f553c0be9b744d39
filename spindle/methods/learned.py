"""The size of learned axis networks: frequencies by what the problem contains, nodes by what frequencies need."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from spindle.lowering.resolution import degrees
from spindle.lowering.structure import analyse
from spindle.methods.assembly import each_axis, enough_points
from spindle.problem.problem import Problem

# Nodes an axis for each unit of frequency on [-1, 1]: the layers above the first make harmonics, and a network that
# oscillates faster than its nodes drives the residual to zero at the nodes only. Gates make products of them.
_NODES, _NODES_OF_GATES = 8.0, 12.0
_LOWEST, _HIGHEST = 8.0, 40.0  # frequencies: of smooth functions that no datum tells of, and the most that is tried
# Frequency of a wave on [-1, 1], as a share of the Legendre degree that resolves it to rounding errors.
_OF_DEGREE = 0.45
_OF_WAVES = 1.0  # of the first layer on periodic axes: its inputs are waves already
# Neurons at least, and for each unit of frequency. Gates are matrices of the width squared.
_LEAST_WIDTH, _NEURONS = {"mlp": 32, "modified": 16}, {"mlp": 2.0, "modified": 1.0}
# Of neurons that are no waves: several make up one wave, and they become steeper than they began.
_MORE_NODES, _MORE_NEURONS = 2.0, 2.5
_ON_GRIDS = 100_000  # nodes in all, where sums are taken over the grid


def sized(s: Any, problem: Problem) -> tuple[Any, tuple[str, ...]]:
    """The settings with width, frequencies and nodes on each axis, and a sentence on the frequencies.

    Waves that the solution is made of are about those of its sources, coefficients and data. Where sums need no grid
    their cost grows linearly with the nodes of an axis, so that there are as many as the frequencies ask for; else the
    frequencies follow the nodes that are affordable.
    """
    axes = len(problem.coordinates)
    wanted = _frequencies(s, problem)
    waves = s.activation == "sin"
    each = (_NODES if s.network == "mlp" else _NODES_OF_GATES) * (1.0 if waves else _MORE_NODES)
    nodes = [math.ceil(each * w) for w in wanted]
    if _needs_grid(s, problem):
        nodes = [min(n, enough_points(axes, total=_ON_GRIDS, most=n)) for n in nodes]
    s = replace(s, points=tuple(nodes)) if s.points == "auto" else s
    said: tuple[str, ...] = ()
    if s.frequency == "auto":
        resolved = [min(w, n / each) for w, n in zip(wanted, each_axis(s.points, axes), strict=True)]
        first = tuple(_OF_WAVES if k in problem.periodic_axes else w for k, w in enumerate(resolved))
        s, said = replace(s, frequency=first), _sentence(problem, first, s.activation)
    if s.width == "auto":
        least, neurons = _LEAST_WIDTH[s.network], _NEURONS[s.network] * (1.0 if waves else _MORE_NEURONS)
        s = replace(s, width=tuple(max(least, math.ceil(neurons * w)) for w in each_axis(s.frequency, axes)))
    return s, said


def _frequencies(s: Any, problem: Problem) -> list[float]:
    """The highest frequency on each axis, on [-1, 1]."""
    if s.frequency != "auto":
        return [float(w) for w in each_axis(s.frequency, len(problem.coordinates))]
    wanted = [min(_HIGHEST, max(_LOWEST, _OF_DEGREE * degree)) for degree in degrees(problem)]
    return [max(w, math.pi * s.harmonics) if k in problem.periodic_axes else w for k, w in enumerate(wanted)]


def _needs_grid(s: Any, problem: Problem) -> bool:
    """Whether some sum is taken over all nodes of the tensor grid."""
    return s.sums == "grid" or s.hard == "all" or not all(structure.separable for structure in analyse(problem))


def _sentence(problem: Problem, frequencies: Sequence[float], activation: str) -> tuple[str, ...]:
    named = ", ".join(f"{w:.3g} on {x}" for x, w in zip(problem.coordinates, frequencies, strict=True))
    what = "sine features up to frequency" if activation == "sin" else "slopes of the first layer up to"
    return (f"{what} {named}, on inputs scaled to [-1, 1], by the sources, coefficients and data",)
