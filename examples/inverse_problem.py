"""A diffusivity estimated from noisy measurements: the same equation, the same symbol, `unknown=True`.

Takes about half a minute on two processor cores:  python examples/inverse_problem.py
"""

import numpy as np
from sympy import Eq, pi, sin

import spindle as sp

TRUE_DIFFUSIVITY = 0.2


def problem(noise: float = 0.01, measurements: int = 200) -> sp.Problem:
    """The heat equation with 200 measurements of its exact solution exp(-k pi^2 t) sin(pi x)."""
    t, x = sp.coordinates("t x")
    u = sp.unknown("u", t, x)
    k = sp.parameter("k", 1.0, unknown=True)
    random = np.random.default_rng(0)
    points = random.uniform(size=(measurements, 2))
    exact = np.exp(-TRUE_DIFFUSIVITY * np.pi**2 * points[:, 0]) * np.sin(np.pi * points[:, 1])
    return sp.Problem(
        domain=sp.Box({t: (0, 1), x: (0, 1)}),
        equations=[Eq(u.diff(t), k * u.diff(x, 2))],
        conditions=[
            sp.Initial(u, sin(pi * x)),
            sp.Dirichlet(u, 0),
            sp.Observed(u, points, exact + noise * random.normal(size=measurements), noise=noise),
        ],
        name="heat_inverse",
    )


def main(**settings) -> float:
    """Estimate k, starting from 1, and return it."""
    solution = sp.solve(problem(), sp.PINN(**settings))
    estimate = solution.parameters["k"]
    print(f"{solution}\nk = {estimate:.4f}, true {TRUE_DIFFUSIVITY}, start 1.0")
    return estimate


if __name__ == "__main__":
    main()
