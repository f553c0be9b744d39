"""The settings that were published for problems of the gallery, as far as they differ from those of a recipe "paper".

A problem names its publication, `Problem.published`; a problem that is merely called the same gets nothing. What is
listed under "omit" are conditions that the publication leaves out. What a method's settings list under "cases" are
pairs: where settings have the values of the first, those of the second were published.
"""

from collections.abc import Mapping
from typing import Any

from spindle.errors import MethodError, nearest
from spindle.problem.problem import Problem


def _disk(rate: float, plain: float, *, single: float | None = None, edges: bool = False, **others: Any):
    """Sharma & Shankar (2022), arXiv 2205.09332, and the code beside it.

    rate     of DT-PINNs
    plain    of the plain network at the same nodes, trained in single precision
    single   of DT-PINNs in single precision; None: there were none
    edges    whether the plain network takes equations at boundary nodes, too
    """
    at = {"equations_at": "all" if edges else "inner"}
    cases = [({"derivatives": "exact"}, {"lbfgs_rate": plain, "dtype": "float32", **at})]
    if single:
        cases.append(({"derivatives": "rbf-fd", "dtype": "float32"}, {"lbfgs_rate": single}))
    return {"dtpinn": {"nodes": (737, 91), "lbfgs_rate": rate, "cases": cases} | others}


def _turbulence(weights: Mapping[str, float], causal: Mapping[str, float]) -> Mapping[str, Any]:
    """Cho et al. (2023), arXiv 2306.15969, section 4; Wang et al. (2024), arXiv 2203.07404.

    Of the plain PINN that they are compared with it is not said how it was trained: as the causal one, without weights
    in time, on as many points as there are of the smaller SPINN.
    """
    windows = {"windows": 10, "hard": "zero", "harmonics": 5, "periodic_features": "products"}
    separable = {
        "network": "modified",
        "hidden_layers": 2,
        "width": 128,
        "rank": 128,
        "learning_rate": 2e-3,
        "steps": 100_000,
        "points": (32, 256, 256),
        "sampling": "shifted",
        "copies": 8,
        "keep": "lowest late loss",
        "weights": weights,
    }
    return {
        "spinn": windows | separable,
        "causal-pinn": windows | {"points": (32, 16, 16), "weights": causal},
        "pinn": windows | {"points": 32, "weights": causal},
    }


def _family(tasks: Mapping[str, tuple[float, ...]], members: tuple[int, ...], **others: float) -> Mapping[str, Any]:
    """Cho et al. (2024), arXiv 2410.04001, and the code beside it: values at both ends are compared, slopes are not."""
    trained = {"tasks": tasks, "lattice": (100, 256), **others}
    grids = {"members": members, "snapshot_points": (3, 4), "query_points": (3, 4)}
    return {"omit": ["periodic u_x in x"], "lrpinn": trained, "fastlrnr": trained | grids}


_STARTS = tuple(f"initial {name}" for name in ("u", "v", "w"))

PUBLISHED: dict[str, Mapping[str, Any]] = {
    # Cho et al. (2023), Separable Physics-Informed Neural Networks, arXiv 2306.15969
    "klein_gordon3d": {"omit": ["initial u_t"]},
    "klein_gordon4d": {"omit": ["initial u_t"], "spinn": {"faces": "mean"}},
    # Of the plain network in six axes nothing was published: so many points fit into the memory.
    "diffusion6d": {"spinn": {"points": 8}, "pinn": {"points": 4}},
    "flow_mixing3d": {
        "spinn": {"network": "modified", "rank": 128, "points": 256, "weights": {"equation": 10.0}},
        "pinn": {"points": 32, "weights": {"equation": 10.0}},
    },
    "poisson_lshape": {
        "spinn": {
            "network": "modified",
            "rank": 128,
            "points": 256,
            "sampling": "shifted",
            "copies": 9,
            "steps": 5_000,
            "weights": {"dirichlet u": 1000.0},
        }
    },
    "navier_stokes3d": _turbulence({}, {}),
    "navier_stokes3d, velocities": _turbulence(
        {"divergence": 5e3} | dict.fromkeys(_STARTS, 1e4), {"divergence": 100.0} | dict.fromkeys(_STARTS, 1e5)
    ),
    "navier_stokes4d": {
        "spinn": {
            "network": "modified",
            "hidden_layers": 4,
            "rank": 128,
            "points": 32,
            "weights": {"divergence": 100.0}
            | {f"initial {kind} {n}": 10.0 for kind in ("vorticity", "velocity") for n in (1, 2, 3)},
        }
    },
    "convection_family": _family({"beta": tuple(map(float, range(1, 21)))}, (500,), sparsity=1e-6),
    "convection_diffusion_reaction": _family(
        {"beta": (1.0, 2.0, 3.0), "nu": (0.0, 1.0, 2.0), "rho": (0.0, 1.0, 2.0)}, (4, 4, 4), sparsity=1e-4
    ),
    "poisson_disk": _disk(0.04, plain=0.2, single=0.0075),
    "nonlinear_poisson_disk": _disk(0.01, plain=0.2),
    "heat_disk": _disk(0.4, plain=0.4, edges=True, times=25),
    "poisson_ball": _disk(0.0025, plain=0.04, nodes=(2423, 657)),
}


def published(problem: Problem) -> Mapping[str, Any]:
    """{method name: settings}, and "omit": [names of conditions], as published for a problem; {} where nothing is.

    Raises MethodError where there is no publication of the name that the problem gives.
    """
    if not isinstance(problem.published, str):
        return problem.published
    if problem.published not in PUBLISHED:
        raise MethodError(
            f"The problem `{problem.name}` names the publication `{problem.published}`, whose settings are not known."
            + nearest(problem.published, PUBLISHED)
        )
    return PUBLISHED[problem.published]


def published_settings(problem: Problem, method: str, usual: Mapping[str, Any], given: Mapping[str, Any]):
    """{setting: value} as published for a problem and a method, where settings have the values that are asked for.

    usual   the values of the recipe
    given   those that were set, which come before what is published
    """
    settings = dict(published(problem).get(method, {}))
    for where, then in settings.pop("cases", ()):
        if {**usual, **settings, **given}.items() >= where.items():
            settings |= then
    return settings
