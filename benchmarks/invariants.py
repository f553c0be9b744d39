"""The same problem in other units, another order or another place: how far apart the solutions are.

    python benchmarks/invariants.py [--methods spinn,pinn,dtpinn]

Diffusion through a film with a source, u = s (sin(pi x / 2L) exp(-t/T) + x (2L - x) / L^2), by each method as it is and
after each change; printed is the relative L2 difference of the two solutions on a grid, in the same units, and the
error of the changed one against the closed form.
"""

import argparse
from typing import Any

import numpy as np
from sympy import Eq, exp, pi, sin

import spindle as spd

t, x, y = spd.coordinates("t x y")

CHANGES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "equation times 1e-12": {"factor": 1e-12},
    "equation times 1e12": {"factor": 1e12},
    "coordinate in mm": {"length": 1e3},
    "coordinate in km": {"length": 1e-3},
    "unknown in Pa": {"size": 1e6},
    "unknown in GPa": {"size": 1e-3},
    "offset of 300 K": {"offset": 300.0},
    "coordinates permuted": {"permuted": True},
    "conditions permuted": {"reversed": True},
    "domain shifted": {"shift": 5.0},
}
METHODS = {
    "spinn": lambda: spd.SPINN(),
    "pinn": lambda: spd.PINN(),
    "dtpinn": lambda: spd.DTPINN(nodes=600, times=12),
}


def film(curved, *, factor=1.0, length=1.0, size=1.0, offset=0.0, permuted=False, reversed=False, shift=0.0):
    """The problem and its closed form; `curved` in a plane, for methods that scatter nodes."""
    space = (x, y) if curved else (x,)
    order = (*space, t) if permuted else (t, *space)
    u = spd.unknown("u", *order)
    z = (x - shift) / length
    exact = offset + size * (sin(pi * z / 2) * exp(-t) + z * (2 - z))
    ends = {t: (0, 1), x: (shift, shift + length), y: (0, length)}
    residual = u.diff(t) - length**2 * spd.laplacian(u)
    source = spd.manufactured(residual, {u: exact})
    conditions = [spd.Initial(u, exact.subs(t, 0)), spd.Dirichlet(u, exact.subs(x, shift), on=Eq(x, shift))]
    conditions += [spd.Neumann(u, 0, on=Eq(x, shift + length))]
    conditions += [spd.Neumann(u, 0, on=[Eq(y, 0), Eq(y, length)])] if curved else []
    return spd.Problem(
        domain=spd.Box({c: ends[c] for c in order}),
        equations=[Eq(factor * residual, factor * source)],
        conditions=conditions[::-1] if reversed else conditions,
        reference={u: exact},
        name="film",
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default=",".join(METHODS))
    for method in parser.parse_args().methods.split(","):
        plain = None
        for change, options in CHANGES.items():
            problem = film(method == "dtpinn", **options)
            solution = spd.solve(problem, METHODS[method](), progress=False)
            length, shift = options.get("length", 1.0), options.get("shift", 0.0)
            where = {"t": np.linspace(0, 1, 6), "x": shift + length * np.linspace(0, 1, 11), "y": [length / 2]}
            names = [c.name for c in problem.coordinates]
            values = np.squeeze(solution.grid(**{name: where[name] for name in names}))
            values = values.T if options.get("permuted") else values
            values = (values - options.get("offset", 0.0)) / options.get("size", 1.0)
            plain = values if plain is None else plain
            apart = np.linalg.norm(values - plain) / np.linalg.norm(plain)
            word = solution.verdict.word
            print(f"{method:8} {change:24} {apart:9.1e} error {solution.error():8.1e} {word}", flush=True)


if __name__ == "__main__":
    main()
