"""A reaction-diffusion equation of one's own, solved by two methods that check each other.

Takes about a minute on two processor cores:  python examples/first_problem.py
"""

import numpy as np
from sympy import Eq, pi, sin

import spindle as spd


def problem() -> spd.Problem:
    """u_t = 0.1 u_xx - u^2 from a sine, with fixed ends; no closed form is known."""
    t, x = spd.coordinates("t x")
    u = spd.unknown("u", t, x)
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1)}),
        equations=[Eq(u.diff(t), u.diff(x, 2) / 10 - u**2)],
        conditions=[spd.Initial(u, sin(pi * x)), spd.Dirichlet(u, 0)],
        name="reaction_diffusion",
    )


def main(**settings) -> float:
    """Solve by SPINN and by PINN, and return the largest difference of the two on a grid."""
    separable = spd.solve(problem(), spd.SPINN(**settings))
    plain = spd.solve(problem(), spd.PINN(**settings))
    grid = {"t": np.linspace(0, 1, 21), "x": np.linspace(0, 1, 41)}
    difference = float(np.abs(separable.grid(**grid) - plain.grid(**grid)).max())
    print(f"{separable}\n{plain}\nlargest difference of the two methods: {difference:.1e}")
    return difference


if __name__ == "__main__":
    main()
