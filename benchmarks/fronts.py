"""How fronts cost: seconds against the width of a front, the length of time, and where the front is.

    python benchmarks/fronts.py [--json FILE]

Each row is a whole `spd.solve`, set-up and compilation included, of Burgers' equation, u_t + u u_x = nu u_xx, with a
travelling front of width 4 nu in closed form. Expected: seconds grow like the logarithm of 1 / width, since elements
are halved only where the front is, and like the length of time for a front that moves.
"""

import argparse
import json
import warnings
from pathlib import Path

from sympy import Eq, Rational, tanh

import spindle as spd


def front(nu: float = 0.01, speed: float = 0.0, middle: float = 0.0, end: float = 0.5) -> spd.Problem:
    """A front at `middle` that moves, in a box that it stays in."""
    t, x = spd.coordinates("t x")
    u = spd.unknown("u", t, x)
    exact = speed - tanh((x - middle - speed * t) / (2 * nu))
    low, high = -1, 1 + Rational(speed).limit_denominator(100) * Rational(end).limit_denominator(100)
    return spd.Problem(
        domain=spd.Box({t: (0, end), x: (low, high)}),
        equations=[Eq(u.diff(t) + u * u.diff(x), nu * u.diff(x, 2))],
        conditions=[spd.Initial(u, exact.subs(t, 0)), spd.Dirichlet(u, exact)],
        reference={u: exact},
        name="front",
    )


ROWS = (
    *({"nu": nu} for nu in (1e-1, 1e-2, 1e-3, 1e-4)),
    *({"nu": 0.01, "speed": 0.5, "end": end} for end in (0.5, 1.0, 2.0, 4.0)),
    *({"nu": 0.01, "middle": middle} for middle in (0.0, 0.31, -0.77)),
)


def measured(options: dict) -> dict:
    """One row: error, seconds of training and of all, slabs, and the most elements of one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        solution = spd.solve(front(**options), spd.SPINN(), progress=False)
    sizes = solution.run.grown[-1].decision
    seconds = solution.run.seconds
    return {
        **options, "error": solution.error(), "verdict": solution.verdict.word, "slabs": sizes["slabs"],
        "elements": sizes["elements"], "train": seconds.train, "seconds": seconds.total,
    }  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="where the rows go, too")
    chosen = parser.parse_args()
    rows = []
    for options in ROWS:
        rows.append(measured(options))
        row = rows[-1]
        said = ", ".join(f"{name} = {value:g}" for name, value in options.items())
        print(
            f"{said:35} error {row['error']:.1e} {row['verdict']:9} {row['slabs']:4} slabs "
            f"{row['elements']:4} elements train {row['train']:6.1f} s, all {row['seconds']:6.1f} s",
            flush=True,
        )
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
