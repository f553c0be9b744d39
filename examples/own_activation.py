"""An activation of one's own: any smooth function of arrays.  python examples/own_activation.py"""

import jax.numpy as jnp
from sympy import pi, sin

import spindle as spd

x = spd.coordinates("x")
u = spd.unknown("u", x)
equation, exact = u.diff(x, 2) + pi**2 * sin(pi * x), sin(pi * x)
poisson = spd.Problem(spd.Interval(x, 0, 1), [equation], [spd.Dirichlet(u, 0)], reference={u: exact}, name="poisson")


def main(**settings) -> float:
    """A network whose neurons are x + sin(x)^2, the snake of Ziyin et al. (2020); returns the error."""
    method = spd.PINN(activation=lambda z: z + jnp.sin(z) ** 2, **settings)
    return spd.solve(poisson, method).error()


if __name__ == "__main__":
    print(main())
