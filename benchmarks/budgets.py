"""Whether a budget of seconds is kept: every problem of the gallery under two methods, as whole commands.

    python benchmarks/budgets.py [--budget 20] [--only NAME] [--out budgets.json]

Prints the seconds of each command from its start to its end, what stopped it, and the worst. The bound that `spindle
solve --budget` promises is one and a half times the budget, and at least ten seconds.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

from timing import SPINDLE

from spindle.gallery.registry import GALLERY

HOLES = 17


def plate(folder: Path) -> str:
    """A problem file: a plate with round holes, each a part of its own."""
    shapes = ["plate = { box = { x = [-3, 3], y = [-2, 2] } }"]
    for k in range(HOLES):
        x, y = -2.5 + (k % 6) * 1.0, -1.4 + (k // 6) * 1.4
        shapes.append(f"h{k} = {{ disk = {{ centre = [{x:.2f}, {y:.2f}], radius = {0.2 + 0.01 * k:.2f} }} }}")
    robin = ", ".join(f'{{ robin = "u + dn(u) = 1", on = "h{k}" }}' for k in range(HOLES))
    text = f"""unknowns = "u"
coordinates = ["x", "y"]
domain = "plate - {" - ".join(f"h{k}" for k in range(HOLES))}"
equations = ["laplacian(u) = 0"]
conditions = [{{ dirichlet = "u = 0", on = ["x = -3", "x = 3", "y = -2", "y = 2"] }}, {robin}]
[shapes]
{chr(10).join(shapes)}
"""
    path = folder / "plate17.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def timed(problem: str, method: str | None, budget: float, folder: Path) -> dict:
    """One command: its seconds, its exit status, and how training ended."""
    out = folder / f"{Path(problem).stem}-{method}"
    command = [*SPINDLE, "solve", problem, "--budget", str(budget), "--out", str(out)]
    command += ["--method", method] if method else []
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=20 * budget + 60, check=False)
    seconds = time.perf_counter() - began
    lines = [line for line in done.stderr.splitlines() if line.startswith(("loss", "spindle:", "seconds"))]
    return {
        "problem": Path(problem).stem,
        "method": method or "default",
        "seconds": seconds,
        "status": done.returncode,
        "said": " | ".join(lines)[:300],
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=20.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path, default=Path("runs/bench/budgets.json"))
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for problem in [*GALLERY, plate(folder)]:
            for method in (None, "pinn"):
                if options.only in f"{problem} {method}":
                    rows.append(timed(problem, method, options.budget, folder))
                    row = rows[-1]
                    print(
                        f"{row['problem']:32} {row['method']:8} {row['seconds']:6.1f} s {row['status']} {row['said']}",
                        flush=True,
                    )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    worst = max(rows, key=lambda row: row["seconds"])
    print(f"worst: {worst['problem']} by {worst['method']}, {worst['seconds']:.1f} s of {options.budget:g}")


if __name__ == "__main__":
    main()
