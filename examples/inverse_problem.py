"""A diffusivity estimated from noisy measurements: the same equation, the same symbol, `unknown=True`.

Takes about half a minute on two processor cores:  python examples/inverse_problem.py
"""

import numpy as np
from sympy import Eq, pi, sin

import spindle as spd

TRUE_DIFFUSIVITY = 0.2


def problem(noise: float = 0.01, measurements: int = 200) -> spd.Problem:
    """The heat equation with 200 measurements of its exact solution exp(-k pi^2 t) sin(pi x)."""
    t, x = spd.coordinates("t x")
    u = spd.unknown("u", t, x)
    k = spd.parameter("k", 1.0, unknown=True)
    random = np.random.default_rng(0)
    points = random.uniform(size=(measurements, 2))
    exact = np.exp(-TRUE_DIFFUSIVITY * np.pi**2 * points[:, 0]) * np.sin(np.pi * points[:, 1])
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1)}),
        equations=[Eq(u.diff(t), k * u.diff(x, 2))],
        conditions=[
            spd.Initial(u, sin(pi * x)),
            spd.Dirichlet(u, 0),
            spd.Observed(u, points, exact + noise * random.normal(size=measurements), noise=noise),
        ],
        name="heat_inverse",
    )


def main(**settings) -> float:
    """Estimate k, starting from 1, and return it."""
    solution = spd.solve(problem(), spd.PINN(**settings))
    estimate = solution.parameters["k"]
    print(f"{solution}\nk = {estimate:.4f}, true {TRUE_DIFFUSIVITY}, start 1.0")
    return estimate


if __name__ == "__main__":
    main()
