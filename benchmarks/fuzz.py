"""Files, run directories and settings that nobody meant, by the thousand: `python benchmarks/fuzz.py --seconds 3600`.

Each must end in a sentence or in a result. Reported are tracebacks, more than 5 seconds of computing, more than a
gigabyte of memory, the end of the process, and writing anywhere but in the folder of the case. Cases run in children
that are forked once everything is imported; the same seed gives the same cases. Exit status 1 where something was
reported; `--only` repeats one case with its traceback.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import random
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from mutations import GENERATED, NUMBERS, PROBLEM, WORDS, anything, bytes_mutated, mutated, toml

from spindle.cli import main as cli
from spindle.cli import outcome
from spindle.errors import SpindleError
from spindle.methods.registry import METHODS, method_named
from spindle.problem.families import with_parameter_axes
from spindle.problem.formulas import formulas
from spindle.problem.printing import describe
from spindle.problem_files.read import read_problem
from spindle.report.html import verdict
from spindle.results.directory import RunDirectory, _fingerprint, write_json
from spindle.solving.load import load
from spindle.storage.arrays import load_arrays, remove_parts, save_arrays
from spindle.storage.lock import Lock

BATCH, SECONDS, MEMORY, LONGEST = 20, 5.0, 1_000_000_000, 120.0
EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.toml"))


# ------------------------------------------------------------------------------------------------------ the cases


def of_a_file(rng, folder: Path, base: Path) -> None:
    """A problem file is read, and one method plans it."""
    text = rng.choice([*(path.read_text() for path in EXAMPLES), *GENERATED, *GENERATED])
    if rng.random() < 0.4:
        raw = bytes_mutated(rng, text.encode())
    else:
        raw = "".join(f"{json.dumps(k)} = {toml(v)}\n" for k, v in mutated(rng, tomllib.loads(text)).items()).encode()
    for data in EXAMPLES[0].parent.glob("*.csv"):
        shutil.copy(data, folder)
    (folder / "p.toml").write_bytes(raw)
    problem = read_problem(folder / "p.toml")
    describe(problem), formulas(problem)
    name = rng.choice([*METHODS])
    # DTPINN's plan solves the problem classically: its seconds are those of its nodes, not of reading.
    method_named(name, {"nodes": 200} if name == "dtpinn" else {}).plan(with_parameter_axes(problem))


def of_a_run(rng, folder: Path, base: Path) -> None:
    """A run directory is read, and told of on the terminal and in the report."""
    run = shutil.copytree(base, folder / "run")
    kind = rng.randrange(4)
    if kind == 0:
        path = run / rng.choice(["run.json", "problem.npz", "solution.npz"])
        path.write_bytes(bytes_mutated(rng, path.read_bytes()))
    else:
        _signed(rng, run, kind)
    solution = load(run)
    solution.record(), verdict(solution), describe(solution.problem), formulas(solution.problem)
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        outcome.print_summary(solution, RunDirectory(run))
    solution.evaluate(np.full((3, len(solution.problem.coordinates)), 0.5))


def _signed(rng, run: Path, kind: int) -> None:
    """Change what the files of a run say, and sign it."""
    arrays, data = load_arrays(run / "problem.npz")
    info, (numbers, meta) = json.loads((run / "run.json").read_text()), load_arrays(run / "solution.npz")
    if kind == 1:
        data = mutated(rng, data)
    elif kind == 2:
        info = mutated(rng, info)
    else:
        meta = mutated(rng, meta)
        for name in [*numbers] if rng.random() < 0.3 else []:
            numbers[name] = rng.choice([numbers[name] * np.nan, numbers[name][:1], numbers[name].astype("U4")])
    with contextlib.suppress(Exception):
        described = {k: info[k] for k in ("format", "problem", "method", "seed")}
        info["fingerprint"] = meta["mark"] = _fingerprint(data, arrays, described)
    save_arrays(run / "problem.npz", arrays, data)
    (run / "run.json").write_text(json.dumps(info))
    save_arrays(run / "solution.npz", numbers, meta)


def of_links(rng, folder: Path, base: Path) -> None:
    """Files of a run are links, pipes and devices; it is locked, written and read."""
    run, outside = shutil.copytree(base, folder / "run"), Path(os.environ["HOME"])
    names = [
        "run.json",
        "solution.npz",
        "problem.npz",
        ".lock",
        f".run.json.{os.getpid()}.part",
        "window01",
        "window02",
    ]
    for name in rng.sample(names, 3):
        path = run / name
        path.unlink(missing_ok=True)
        if rng.random() < 0.2:
            os.mkfifo(path)
        else:
            path.symlink_to(rng.choice([outside, outside / "precious", outside / "new", Path("/dev/zero"), path]))
    acts = [
        lambda: Lock(run).acquire(),
        lambda: write_json(run / "run.json", {}),
        lambda: save_arrays(run / "window01" / "solution.npz", {}, {}) if not (run / "window01").is_symlink() else None,
        lambda: remove_parts(run),
        lambda: load(run),
    ]
    for act in rng.sample(acts, len(acts)):
        with contextlib.suppress(SpindleError):
            act()


def of_settings(rng, folder: Path, base: Path) -> None:
    """Values of `--set`."""
    (folder / "p.toml").write_text(PROBLEM)
    name = rng.choice([*METHODS])
    known = [*METHODS[name][0].__dataclass_fields__]
    values = [str(rng.choice([*NUMBERS, *WORDS])), toml(anything(rng)), repr(anything(rng)), "9**9**9", "[" * 500]
    chosen = [f"{rng.choice(known)}={rng.choice(values)}" for _ in range(rng.choice([1, 2]))]
    method, problem, *_ = cli._prepare(cli.problem_source(str(folder / "p.toml")), name, "default", chosen)
    method.resolved(with_parameter_axes(problem))


CASES = {"file": (of_a_file, 5), "run": (of_a_run, 3), "links": (of_links, 1), "settings": (of_settings, 2)}


# ------------------------------------------------------------------------------------------------ the fork server


def one(seed: int, folder: Path, base: Path) -> str:
    """Run a case; returns what was wrong, else nothing."""
    rng = random.Random(seed)
    kind = rng.choices([*CASES], [share for _, share in CASES.values()])[0]
    inner = folder / str(seed)
    inner.mkdir()
    began = time.process_time()
    try:
        CASES[kind][0](rng, inner, base)
    except SpindleError as error:
        if "\n" in str(error).strip():
            return f"{kind}: several lines: {str(error)[:200]}"
    except MemoryError:
        return f"{kind}: MemoryError"
    except Exception as error:
        frames = [
            f for f in traceback.extract_tb(error.__traceback__) if "spindle" in f.filename and "fuzz" not in f.filename
        ]
        where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
        return f"{kind}: {type(error).__name__} at {where}: {str(error)[:120]}"
    spent = time.process_time() - began
    shutil.rmtree(inner, ignore_errors=True)
    return f"{kind}: {spent:.1f} s" if spent > SECONDS else ""


def batch(seeds, folder: Path, base: Path, out: int) -> None:
    """In a child: run cases, and tell of each when it begins and how it ended."""
    os.chdir(folder)
    warnings.simplefilter("ignore")
    load(base)  # what is compiled first does not count
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + 2 * MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in seeds:
        os.write(out, f"{seed}\n".encode())
        said = one(seed, folder, base)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        if not said and grown * 1024 > MEMORY:
            said, before = f"memory: {grown // 1024} MB", before + grown
        os.write(out, (json.dumps(said) + "\n").encode())


def watched(seeds, folder: Path, base: Path) -> dict[int, str]:
    """Run a batch in a child; returns what was wrong by seed, also where the child hangs or ends."""
    reading, out = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            batch(seeds, folder, base, out)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(out)
    text, found, since, used = b"", {}, time.monotonic(), 0.0
    while True:
        ready, _, _ = select.select([reading], [], [], 1.0)
        if ready:
            part = os.read(reading, 65536)
            if not part:
                break
            text, since, used = text + part, time.monotonic(), _seconds(child)
        elif text and (_seconds(child) - used > 3 * SECONDS or time.monotonic() - since > LONGEST):
            os.kill(child, signal.SIGKILL)
    os.close(reading)
    _, status = os.waitpid(child, 0)
    lines = text.decode().splitlines()
    found = {int(seed): json.loads(said) for seed, said in zip(lines[::2], lines[1::2], strict=False) if said != '""'}
    if len(lines) % 2:
        why = (
            "hangs"
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            else f"the process ends, {status}"
        )
        found[int(lines[-1])] = why
    return found


def _seconds(child: int) -> float:
    """Computing time of a process so far."""
    fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fingerprint(folder: Path) -> str:
    """What lies in a folder."""
    names = sorted(str(p) for p in folder.rglob("*"))
    return hashlib.sha256(repr([(n, Path(n).is_file() and Path(n).read_bytes()) for n in names]).encode()).hexdigest()


def main() -> int:
    """Run cases until the time is spent; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="run the case of this seed alone, and show its traceback")
    chosen = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="fuzz-"))
    home, base = root / "home", root / "base"
    home.mkdir()
    (home / "precious").write_text("precious")
    (root / "base.toml").write_text(PROBLEM)
    command = [sys.executable, "-m", "spindle", "solve", str(root / "base.toml"), "--out", str(base), "--no-estimate"]
    settings = [f"--set={each}" for each in ("points=6", "rank=2", "width=8", "newton_steps=1")]
    subprocess.run([*command, *settings, "--json"], check=True, capture_output=True)
    os.environ["HOME"] = str(home)
    kept, began, number = fingerprint(home), time.monotonic(), chosen.seed * 1_000_000
    counts: Counter[str] = Counter()
    if chosen.only is not None:
        (root / "case").mkdir()
        rng = random.Random(chosen.only)
        kind = rng.choices([*CASES], [share for _, share in CASES.values()])[0]
        CASES[kind][0](rng, root / "case", base)
        return 0
    first = number
    while time.monotonic() - began < chosen.seconds:
        folder = Path(tempfile.mkdtemp(dir=root))
        seeds = range(number, number + BATCH)
        done = watched(seeds, folder, base)
        number = max([*done, number + BATCH - 1]) + 1 if not _ended(done) else _ended(done) + 1
        for seed, said in done.items():
            short = said.partition(": ")[0] + ": " + said.partition(": ")[2].partition(": ")[0]
            counts[short] += 1
            if counts[short] <= 3:
                print(f"{seed}: {said}", flush=True)
        if fingerprint(home) != kept:
            print(f"{seeds}: written outside", flush=True)
            counts["written outside"], kept = counts["written outside"] + 1, fingerprint(home)
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(root, ignore_errors=True)
    spent = time.monotonic() - began
    rate = 3600 * (number - first) / spent
    print(f"{number - first} cases in {spent:.0f} s ({rate:.0f} an hour); findings: {dict(counts)}")
    return bool(counts)


def _ended(done) -> int:
    """The case with which a batch ended early; 0 where it did not."""
    return next((seed for seed, said in done.items() if said == "hangs" or said.startswith("the process ends")), 0)


if __name__ == "__main__":
    sys.exit(main())
