"""The causal PINN: later times count only once earlier ones are solved."""

from dataclasses import dataclass
from typing import ClassVar, Self

from spindle.methods.assembly import published_problem
from spindle.methods.base import Method, Plan, refuse_interfaces
from spindle.methods.open_settings import CloudSettings
from spindle.methods.pinn import FIRST_ORDER, PINN, decided_on_cloud, plan_on_cloud
from spindle.methods.settings import documented
from spindle.problem.problem import Problem


@documented
@dataclass(frozen=True, kw_only=True, repr=False)
class CausalPINN(CloudSettings, Method):
    """Physics-informed neural network whose residuals at later times are weighted by how well earlier ones are solved.

    `causal` are the tolerances of the weights, each trained for at most `steps`
    steps or until all weights exceed 0.99, `slabs` the slabs of time. `spd.SPINN(causal=...)` takes them too.
    `recipe="paper"`: the published settings for decaying turbulence: in each step 32 instants in their order, each at
    the same 256 random places, weights that count the initial state as the earliest time, 124 inputs with the products
    of harmonics of the two axes, and a rate that falls by a tenth every 10,000 steps.
    The published implementation is licensed for non-commercial use, and its authors state that the University of
    Pennsylvania has patented the technique: settle that before commercial use. This one was written from the paper.

    Source: Wang, Sankaran & Perdikaris (2024), Comput. Methods Appl. Mech. Eng. 421, arXiv 2203.07404.
    """

    name: ClassVar[str] = "causal-pinn"
    recipes: ClassVar = {
        "default": {**FIRST_ORDER, "network": "modified", "causal": (0.01, 1.0)},
        "paper": {
            **PINN.recipes["paper"],
            "network": "modified",
            "sampling": "sorted",
            "resample": 1,
            "steps": 100_000,
            "schedule": "gentle",
            "causal": (1e-3, 1e-2, 1e-1, 1.0),
            "causal_start": True,
            "keep": "last",
            "hard": "zero",
            "periodic_features": "products",
        },
    }

    def decide(self, problem: Problem) -> tuple[Self, tuple[str, ...]]:
        """As of a PINN."""
        return decided_on_cloud(self.resolved(problem), problem), ()

    def plan(self, problem: Problem) -> Plan:
        """As that of a PINN."""
        refuse_interfaces(problem, "spd.CausalPINN()")
        problem, notes = published_problem(problem, self.recipe)
        s, _ = self.decide(problem)
        return plan_on_cloud(problem, s, notes)
