"""A network of one's own: any Equinox module that maps one point to the unknowns.  python examples/own_network.py"""

import equinox as eqx
import jax.numpy as jnp
from sympy import exp, pi, sin

import spindle as spd

t, x = spd.coordinates("t x")
u = spd.unknown("u", t, x)
box, conditions = spd.Box({t: (0, 1), x: (0, 1)}), [spd.Initial(u, sin(pi * x)), spd.Dirichlet(u, 0)]
exact = exp(-(pi**2) * t / 10) * sin(pi * x)
heat = spd.Problem(box, [u.diff(t) - u.diff(x, 2) / 10], conditions, reference={u: exact}, name="heat")


def main(**settings) -> float:
    """Solve the heat equation by a multilayer perceptron of Equinox and return the error."""
    method = spd.PINN(network=lambda key: eqx.nn.MLP(2, 1, 32, 2, jnp.tanh, key=key), **settings)
    return spd.solve(heat, method).error()


if __name__ == "__main__":
    print(main())
