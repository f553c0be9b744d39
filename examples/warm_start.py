"""From one parameter value to the next: each solve starts from the last solution.  python examples/warm_start.py"""

from sympy import pi, sin

import spindle as sp

t, x = sp.coordinates("t x")
u = sp.unknown("u", t, x)


def burgers(viscosity: float) -> sp.Problem:
    """Burgers' equation, which gets harder as the viscosity falls."""
    box, conditions = sp.Box({t: (0, 0.5), x: (-1, 1)}), [sp.Initial(u, -sin(pi * x)), sp.Dirichlet(u, 0)]
    return sp.Problem(box, [u.diff(t) + u * u.diff(x) - viscosity * u.diff(x, 2)], conditions, name="burgers")


def main(**settings) -> list[float]:
    """The losses after as many steps, from random weights and from the solution of another viscosity."""
    last = sp.solve(burgers(0.1), sp.PINN(**settings))
    return [sp.solve(burgers(0.08), sp.PINN(**settings), start=start).run.loss for start in (None, last)]


if __name__ == "__main__":
    print(main())
