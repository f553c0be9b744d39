"""Points of one's own, and numbers of points by name; others from a Latin hypercube.  python examples/own_points.py"""

import numpy as np
from sympy import exp

import spindle as spd

t, x = spd.coordinates("t x")
u, front = spd.unknown("u", t, x), 1 / (1 + exp((x - t) / 0.2))
equation = spd.manufactured(u.diff(t) - u.diff(x, 2) / 50, {u: front}) - u.diff(t) + u.diff(x, 2) / 50
conditions = [spd.Initial(u, front.subs(t, 0)), spd.Dirichlet(u, front, name="walls")]
problem = spd.Problem(spd.Box({t: (0, 1), x: (-1, 2)}), [equation], conditions, reference={u: front})


def main(**settings) -> float:
    """Points near the front at x = t, 100 on both walls together, 60 at the start; returns the error."""
    random = np.random.default_rng(0)
    times = random.uniform(0, 1, 1500)
    near = np.stack([times, np.clip(times + random.normal(0, 0.5, 1500), -1, 2)], axis=1)
    points = {"interior": near, "walls": 100, "boundary": 60}
    return spd.solve(problem, spd.PINN(points=points, sampling="latin hypercube", hard="off", **settings)).error()


if __name__ == "__main__":
    print(main())
