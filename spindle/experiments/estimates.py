"""How the estimated error compares with the true one: good solutions, and poor ones from training that is too short."""

from spindle.experiments.rows import Row
from spindle.methods.base import Method
from spindle.methods.causal import CausalPINN
from spindle.methods.dtpinn import DTPINN
from spindle.methods.pinn import PINN
from spindle.methods.spinn import SPINN
from spindle.results.solution import Solution
from spindle.solving.estimates.error_estimate import estimate

_METHODS: tuple[Method, ...] = (
    SPINN(),
    SPINN(recipe="paper", points=16, steps=2000),
    SPINN(recipe="paper", network="modified", points=16, steps=2000),
    PINN(steps=1000, lbfgs_steps=300),
)
_IN_TIME = CausalPINN(steps=1000, lbfgs_steps=300, causal=(1.0,))
_PROBLEMS = ("poisson2d", "helmholtz3d", "kovasznay", "sine_gordon2d", "convection", "klein_gordon3d", "burgers")
_WITH_TIME = ("convection", "klein_gordon3d", "burgers")


def estimated(solution: Solution) -> dict:
    """The largest estimated error of the unknowns, and the seconds it took; of DT-PINN the distance from its floor."""
    if solution.run.classical is not None:
        return {"estimated": max(solution.run.classical["distance"].values()), "estimate s": ""}
    answer = estimate(solution)
    names = [u.func.__name__ for u in solution.problem.unknowns]
    return {"estimated": max(answer["errors"][name] for name in names), "estimate s": answer["seconds"]}


ROWS = tuple(
    Row(name, method, more=estimated)
    for name in _PROBLEMS
    for method in (*_METHODS, *((_IN_TIME,) if name in _WITH_TIME else ()))
) + tuple(Row(name, DTPINN(newton_steps=30), more=estimated) for name in ("poisson_disk", "poisson_star"))
