"""Default solves on the device that JAX finds, and on the processor of the same machine: seconds, parts, errors.

    python benchmarks/device.py [--seconds 300] [--problems helmholtz3d,klein_gordon3d] [--out device.json]

Each solve is a command of its own that compiles everything; those that no time is left for are named.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from timing import SPINDLE

SOLVES: dict[str, list[str]] = {
    "helmholtz3d": [],
    "helmholtz3d by pinn": ["--method", "pinn"],
    "klein_gordon4d": [],
    "poisson_disk": [],
    "diffusion3d": [],
    "flow_mixing3d": [],
    "navier_stokes3d": ["--set", "windows=10"],
    "burgers by pinn": ["--method", "pinn"],
    "allen_cahn": [],
    "navier_stokes4d": [],
}


def solved(name: str, options: list[str], platform: str, limit: float, folder: Path) -> dict:
    """One command on one platform; its record, or what went wrong."""
    environment = os.environ | {"JAX_PLATFORMS": platform, "SPINDLE_CACHE": str(folder / platform)}
    command = [*SPINDLE, "solve", name.split(" ")[0], "--json", "--no-progress", *options]
    began = time.perf_counter()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False, env=environment)
    except subprocess.TimeoutExpired:
        return {"problem": name, "platform": platform, "said": f"not done after {limit:.0f} s"}
    row = {"problem": name, "platform": platform, "wall": time.perf_counter() - began}
    try:
        record = json.loads(done.stdout)
    except ValueError:
        return row | {"said": done.stderr.strip()[-300:]}
    return row | {key: record[key] for key in ("device", "seconds", "errors", "verdict", "iterations", "stopped_by")}


def main() -> None:
    """Print a line for each solve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300.0, help="for all together")
    parser.add_argument("--problems", default=",".join(SOLVES))
    parser.add_argument("--platforms", default="cuda,cpu")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    ends, rows = time.perf_counter() + args.seconds, []
    with tempfile.TemporaryDirectory() as folder:
        for name in args.problems.split(","):
            for platform in args.platforms.split(","):
                left = ends - time.perf_counter()
                if left < 5:
                    print(f"{name} on {platform}: no time left")
                    continue
                rows.append(solved(name, SOLVES.get(name, []), platform, left, Path(folder)))
                print(line(rows[-1]), flush=True)
                if args.out:
                    args.out.write_text(json.dumps(rows, indent=1))


def line(row: dict) -> str:
    """One solve in a line."""
    start = f"{row['problem']:22} {row['platform']:5}"
    if "said" in row:
        return f"{start} {row['said']}"
    parts = " ".join(f"{part} {row['seconds'][part]:.1f}" for part in ("setup", "compile", "train", "evaluate"))
    errors = " ".join(f"{name} {measures['rel_l2']:.1e}" for name, measures in row["errors"].items())
    return f"{start} {row['wall']:6.1f} s ({parts}) {row['iterations']} steps, {row['verdict']['word']}, {errors}"


if __name__ == "__main__":
    main()
