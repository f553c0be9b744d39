"""An optimizer of one's own: any transformation and any schedule of Optax.  python examples/own_optimizer.py"""

import optax
from sympy import pi, sin

import spindle as spd

x = spd.coordinates("x")
u = spd.unknown("u", x)
equation, exact = u.diff(x, 2) + pi**2 * sin(pi * x), sin(pi * x)
poisson = spd.Problem(spd.Interval(x, 0, 1), [equation], [spd.Dirichlet(u, 0)], reference={u: exact}, name="poisson")


def main(**settings) -> float:
    """Steps of Lion that follow a schedule, then L-BFGS; returns the error."""
    rate = optax.warmup_cosine_decay_schedule(1e-4, 3e-3, 100, 2000)
    method = spd.PINN(optimizer=optax.lion, learning_rate=rate, **settings)
    return spd.solve(poisson, method).error()


if __name__ == "__main__":
    print(main())
