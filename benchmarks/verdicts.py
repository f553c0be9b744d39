"""Whether verdicts can be believed: random problems of many kinds, solved, and compared with the truth.

    python benchmarks/verdicts.py [--each 5] [--seed 0] [--methods default,pinn,dtpinn] [--kinds smooth,fronts]
                                  [--budget 60] [--out rows.json]

Silently wrong is a solution that calls itself solved with an error above 1e-3 and above ten times its estimate, or one
of a problem that has none. A cry of wolf is "not solved" at an error below a hundredth. Refusals are counted apart.
"""

import argparse
import json
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from kinds import KINDS, made

import spindle as spd

_POINTS = 4000
METHODS = {
    "default": lambda: None,
    "spinn": lambda: spd.SPINN(),
    "pinn": lambda: spd.PINN(),
    "dtpinn": lambda: spd.DTPINN(),
}


def true_error(solution: spd.Solution, truth) -> float:
    """The largest relative L2 error of all unknowns at random points; infinite where the solution has gaps."""
    problem = solution.problem
    low, high = np.array(problem.domain.bounds).T
    points = low + (high - low) * np.random.default_rng(1).uniform(size=(_POINTS, len(low)))
    points = points[problem.domain.contains(points)]
    found = [(solution.evaluate(points, u), np.asarray(true(points))) for u, true in truth.items()]
    errors = [np.linalg.norm(own - true) / np.linalg.norm(true) for own, true in found]
    return float(np.nan_to_num(max(errors, key=lambda e: np.inf if np.isnan(e) else e), nan=np.inf))


def solved(kind: str, seed: int, method: str, budget: float) -> dict:
    """One row: what the solution says of itself, and what is true."""
    began, row = time.perf_counter(), {"kind": kind, "seed": seed, "method": method}
    try:
        case = made(kind, seed)
        options = {"budget": budget, **case.options}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            solution = spd.solve(case.problem, METHODS[method](), progress=False, estimate=True, **options)
    except spd.SpindleError as error:
        return row | {"word": "refused", "why": str(error)[:300], "seconds": time.perf_counter() - began}
    estimate = max(solution.run.error_estimate.get("errors", {}).values(), default=0.0)
    truth = None if case.truth is None else true_error(solution, case.truth)
    seconds = time.perf_counter() - began
    verdict = solution.verdict
    row |= {"word": verdict.word, "why": "; ".join(verdict.reasons)[:300], "estimate": estimate, "seconds": seconds}
    return row | {"error": truth, "fault": fault(verdict.word, truth, estimate)}


def fault(word: str, error: float | None, estimate: float) -> str:
    """The kind of lie, if it is one."""
    if word == "solved" and (error is None or (error > 1e-3 and error > 10 * estimate)):
        return "silently wrong"
    return "cry of wolf" if word == "not solved" and error is not None and error < 1e-2 else ""


def main() -> None:
    """Print a line for each solve, and the table by kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=5, help="problems of each kind")
    parser.add_argument("--seed", type=int, default=0, help="of the first problem; others follow")
    parser.add_argument("--methods", default="default,pinn,dtpinn")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    rows = []
    for kind in args.kinds.split(","):
        for seed in range(args.seed, args.seed + args.each):
            for method in args.methods.split(","):
                rows.append(solved(kind, seed, method, args.budget))
                print(line(rows[-1]), flush=True)
                if args.out:
                    args.out.write_text(json.dumps(rows, indent=1))
    print(table(rows))


def line(row: dict) -> str:
    """One solve in a line."""
    numbers = "" if row.get("error") is None else f" error {row['error']:7.1e}"
    numbers += f" estimate {row['estimate']:7.1e}" if row.get("estimate") else ""
    name = f"{row['kind']:19} {row['seed']:3d} {row['method']:8}"
    return f"{name} {row['seconds']:6.1f} s {row['word']:10}{numbers} {row.get('fault', '')} {row['why'][:150]}"


def table(rows) -> str:
    """Verdicts and faults by kind and method."""
    words = ("solved", "doubtful", "not solved", "refused", "silently wrong", "cry of wolf")
    lines = ["kind                method   " + " ".join(f"{word:>14}" for word in words)]
    for kind, method in dict.fromkeys((row["kind"], row["method"]) for row in rows):
        own = [row for row in rows if (row["kind"], row["method"]) == (kind, method)]
        counted = Counter(row["word"] for row in own) + Counter(row.get("fault") or "none" for row in own)
        lines.append(f"{kind:19} {method:8} " + " ".join(f"{counted[word]:14d}" for word in words))
    total = Counter(row["word"] for row in rows) + Counter(row.get("fault") or "none" for row in rows)
    return "\n".join([*lines, f"{'all':19} {'':8} " + " ".join(f"{total[word]:14d}" for word in words)])


if __name__ == "__main__":
    main()
