"""Cho et al. (2023, 2024): families, by our defaults, and their published queries on the same trained networks."""

import statistics
import time

import numpy as np

from spindle.experiments.rows import Row
from spindle.methods.fastlrnr import FastLRNR
from spindle.problem.families import family_parameters
from spindle.results.solution import Solution

_BATCH = 1024


def tested(solution: Solution) -> np.ndarray:
    """The parameters at which a family is tested: those that are tabulated, else twenty spread over the ranges."""
    parameters = family_parameters(solution.problem)
    for reference in solution.problem.known.values():
        if reference.members:
            return np.array([[values[p.name] for p in parameters] for values in reference.members])
    return _spread(solution, 20)


def queried(solution: Solution) -> dict:
    """The milliseconds of queries, and the errors of members compared with their estimates."""
    members = solution.many(tested(solution))
    errors = np.array([member.error() for member in members])
    ratios = members.estimate / errors
    return {
        "members' median error": float(np.median(errors)),
        "members' worst error": float(errors.max()),
        "estimate / error": f"{ratios.min():.2g} to {ratios.max():.2g}",
        "residual gained": float(np.median(members.residual / members.start)),
        "neurons": "-".join(map(str, solution.reduced.facts["neurons"])) if solution.reduced else "",
        "ms a query": _milliseconds(solution, 1),
        f"ms each of {_BATCH}": _milliseconds(solution, _BATCH),
    }


def _milliseconds(solution: Solution, count: int) -> float:
    """For one of so many queries in one call, compiled before; the median of fifteen calls."""
    rows = _spread(solution, count)
    solution.many(rows)
    seconds = []
    for _ in range(15):
        began = time.perf_counter()
        solution.many(rows)
        seconds.append(time.perf_counter() - began)
    return 1e3 * statistics.median(seconds) / count


def _spread(solution: Solution, count: int) -> np.ndarray:
    low, high = np.array([p.bounds for p in family_parameters(solution.problem)]).T
    return low + (high - low) * np.random.default_rng(0).uniform(size=(count, len(low)))


FAMILIES = ("convection_family", "convection_diffusion_reaction", "advection_diffusion_family")

# Width, rank and the size of a query were settled on the first two families; nothing is set here for any of them.
DEFAULTS = tuple(Row(name, FastLRNR(), more=queried) for name in FAMILIES)

# The published query: five neurons a layer from states at shifted points, Adam on absolute residuals.
_QUERY = FastLRNR(phase="published", neurons=5, selection="deim", snapshots="shifted", query_points=12)
PUBLISHED = tuple(Row(name, _QUERY, more=queried) for name in FAMILIES[:2])
