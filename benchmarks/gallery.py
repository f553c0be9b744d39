"""The verdict and the true error of every problem of the gallery, under its default and under PINN, as whole commands.

    python benchmarks/gallery.py [--methods default,pinn] [--budget SECONDS] [--only NAME] [--out gallery.json]

A fault is "solved" at an error above a hundredth, and "not solved" at one below a thousandth.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

from timing import SPINDLE

from spindle.gallery.registry import GALLERY


def measured(problem: str, method: str, budget: float, folder: Path) -> dict:
    """One command: its seconds, and what it says of its solution."""
    command = [*SPINDLE, "solve", problem, "--json"]
    command += ["--out", str(folder / f"{problem}-{method}")] + (["--method", method] if method != "default" else [])
    command += ["--budget", str(budget)] if budget else []
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    row: dict = {"problem": problem, "method": method, "seconds": time.perf_counter() - began, "fault": ""}
    if done.returncode:
        return row | {"word": "refused", "error": None, "estimate": None, "why": done.stderr.strip()[-300:]}
    said = json.loads(done.stdout)
    errors = [measures["rel_l2"] for measures in (said.get("errors") or {}).values() if measures["rel_l2"] is not None]
    estimates = ((said.get("error_estimate") or {}).get("errors") or {}).values()
    row |= {"word": said["verdict"]["word"], "why": "; ".join(said["verdict"]["reasons"])}
    row |= {"error": max(errors, default=None), "estimate": max(estimates, default=None)}
    return row | {"method": said["method"], "fault": fault(row["word"], row["error"])}


def fault(word: str, error: float | None) -> str:
    """The kind of lie, if it is one."""
    if error is None:
        return ""
    return (
        "silently wrong"
        if word == "solved" and error > 1e-2
        else "cry of wolf" * (word == "not solved" and error < 1e-3)
    )


def line(row: dict) -> str:
    """One command as a row of a table."""
    error, estimate = (f"{row[name]:.1e}" if row[name] is not None else "–" for name in ("error", "estimate"))
    name = f"{row['problem']:32} {row['method']:9} {row['seconds']:7.1f} s"
    return f"{name} {row['word']:10} {error:>8} {estimate:>8} {row['fault']} {row['why'][:200]}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default="default,pinn")
    parser.add_argument("--budget", type=float, default=0.0, help="seconds for each; none without it")
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path, default=Path("runs/bench/gallery.json"))
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for method in options.methods.split(","):
            for problem in (problem for problem in GALLERY if options.only in problem):
                rows.append(measured(problem, method, options.budget, Path(name)))
                print(line(rows[-1]), flush=True)
                options.out.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(f"{sum(bool(row['fault']) for row in rows)} faults in {len(rows)} rows")


if __name__ == "__main__":
    main()
