"""From one parameter value to the next: each solve starts from the last solution.  python examples/warm_start.py"""

from sympy import pi, sin

import spindle as spd

t, x = spd.coordinates("t x")
u = spd.unknown("u", t, x)


def burgers(viscosity: float) -> spd.Problem:
    """Burgers' equation, which gets harder as the viscosity falls."""
    box, conditions = spd.Box({t: (0, 0.5), x: (-1, 1)}), [spd.Initial(u, -sin(pi * x)), spd.Dirichlet(u, 0)]
    return spd.Problem(box, [u.diff(t) + u * u.diff(x) - viscosity * u.diff(x, 2)], conditions, name="burgers")


def main(**settings) -> list[float]:
    """The losses after as many steps, from random weights and from the solution of another viscosity."""
    last = spd.solve(burgers(0.1), spd.PINN(**settings))
    return [spd.solve(burgers(0.08), spd.PINN(**settings), start=start).run.loss for start in (None, last)]


if __name__ == "__main__":
    print(main())
