"""Files, run directories and settings that nobody meant, by the thousand: `python benchmarks/fuzz.py --seconds 3600`.

Each must end in a sentence or in a result. Reported are tracebacks, more than 5 seconds of computing, more than a
gigabyte of memory, the end of the process, and writing anywhere but in the folder of the case. Cases run in children
that are forked once everything is imported; the same seed gives the same cases. Exit status 1 where something was
reported; `--only` repeats one case with its traceback.
"""

import argparse
import contextlib
import copy
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

from spindle.cli import main as cli
from spindle.cli import outcome
from spindle.errors import SpindleError
from spindle.methods.registry import METHODS, method_named
from spindle.problem.families import with_parameter_axes
from spindle.problem.printing import describe
from spindle.problem_files.read import read_problem
from spindle.report.formulas import formulas
from spindle.report.html import verdict
from spindle.results.directory import RunDirectory, _fingerprint, write_json
from spindle.solving.load import load
from spindle.storage.arrays import load_arrays, remove_parts, save_arrays
from spindle.storage.lock import Lock

BATCH, SECONDS, MEMORY, LONGEST = 20, 5.0, 1_000_000_000, 120.0
EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.toml"))
NUMBERS = [
    0,
    1,
    -1,
    2,
    10**6,
    10**20,
    10**400,
    -(10**20),
    0.5,
    1e300,
    -1e300,
    1e-300,
    5e-324,
    float("inf"),
    float("nan"),
]
WORDS = [
    "",
    " ",
    "x",
    "u",
    "t",
    "true",
    "\x1b[2J",
    "\u202e",
    "\0",
    "a" * 5000,
    "../../etc/passwd",
    "/dev/zero",
    "$\\frac{",
]
FORMULAS = [
    "9^(9^99)", "exp(exp(exp(9)))", "floor(10^39*x)", "floor(exp(exp(50)))", "diff(u, x, 8)", "1/0",
    "laplacian(laplacian(u))", "0^(-1)", "x^x^x", "(x+y)^99", "max(x, y, u)", "piecewise(u, x < y and y < x, 2)",
    "sin(10^39)", "u*u*u*u*u*u",
    "dn(u)", "normal", "abs(abs(abs(u)))", "sqrt(-1)", "log(0)", "atan2(0, 0)", "dot([u, u], [x, x])", "-u",
    "((((((((u))))))))",
]  # fmt: skip
TOKENS = [
    *"()[]{}=<>^*/+-,.\"'\n#",
    "**",
    "<=",
    "e308",
    "e-308",
    "diff(",
    "sin(",
    "range = [",
    "data = ",
    "\u202e",
    "\x1b",
]
PROBLEM = """unknowns = "u"
coordinates = { x = [0, 1], y = [0, 1] }
equations = ["laplacian(u) = sin(x) + max(x, y)"]
conditions = [{ dirichlet = "u = 0" }]
reference = { u = "x*y" }
"""
GENERATED = [
    PROBLEM,
    'unknowns = "u"\ncoordinates = ["x", "y", "t"]\ntime = [0, 1]\ndomain = "a - b"\n'
    'equations = ["diff(u, t) = laplacian(u)"]\n'
    'conditions = [{ dirichlet = "u = 0" }, { initial = "u = x" }]\n[shapes]\n'
    "a = { ellipse = { centre = [0, 0], axes = [2, 1], angle = 0.3 } }\n"
    "b = { disk = { centre = [0, 0], radius = 0.3 } }\n",
    'unknowns = "u"\ncoordinates = ["x", "y"]\ndomain = "a | b"\nequations = ["laplacian(u) = k*u"]\n'
    "parameters = { k = 1 }\n"
    'conditions = [{ dirichlet = "u = x" }]\n[shapes]\na = { box = { x = [0, 1], y = [0, 1] } }\n'
    "b = { polygon = { vertices = [[0, 0], [3, 0], [0, 3]], holes = [[[0.5, 0.5], [1, 0.5], [0.5, 1]]] } }\n",
    'unknowns = ["u", "v"]\ncoordinates = { t = [0, 1], x = [0, 1] }\n'
    'equations = ["diff(u, t) = v", "diff(v, t) = diff(u, x, 2)"]\n'
    'conditions = [{ initial = "u = f" }, { initial = "v = 0" }, { periodic = "u", axis = "x" }]\n'
    "tabulated = { f = { at = { x = [0, 0.5, 1] }, values = [1, 2, 4] } }\n",
]


# ------------------------------------------------------------------------------------------------------ mutations


def anything(rng, depth=0):
    """A value of any kind, often an extreme one."""
    kind = rng.randrange(8 if depth < 2 else 6)
    if kind < 2:
        return rng.choice(NUMBERS)
    if kind < 4:
        return rng.choice([*WORDS, *FORMULAS])
    if kind == 4:
        return rng.choice([True, False, [], {}])
    if kind == 5:
        return rng.uniform(-10, 10)
    if kind == 6:
        return [anything(rng, depth + 1) for _ in range(rng.choice([0, 1, 2, 3, 300]))]
    return {rng.choice([*WORDS[2:5], "data", "at", "values", "range"]): anything(rng, depth + 1) for _ in range(3)}


def spots(value, path=()):
    """The paths of all parts of nested tables and lists."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield from spots(part, (*path, key))


def mutated(rng, data):
    """Nested tables and lists with a few parts replaced, removed, repeated or spliced."""
    data = copy.deepcopy(data)
    for _ in range(rng.choice([1, 1, 2, 4])):
        path = rng.choice([p for p in spots(data) if p] or [("new",)])
        parent = data
        for key in path[:-1]:
            parent = parent[key]
        key, kind = path[-1], rng.randrange(5)
        old = parent[key] if not isinstance(parent, dict) or key in parent else None
        if kind == 0:
            del parent[key]
        elif kind == 1 and isinstance(parent, list):
            parent[key:key] = [old] * rng.choice([1, 5, 500])
        elif kind == 2 and isinstance(old, str):
            at = rng.randrange(len(old) + 1)
            parent[key] = old[:at] + rng.choice([*TOKENS, *FORMULAS]) + old[at + rng.randrange(3) :]
        elif kind == 3 and isinstance(old, (int, float)) and not isinstance(old, bool):
            parent[key] = rng.choice(
                [-old, old * 10**9, old * 1e-9 if abs(old) < 1e300 else 0, old + 10**16, rng.choice(NUMBERS)]
            )
        else:
            parent[key] = anything(rng)
    return data


def toml(value) -> str:
    """A value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value).replace("\\u007f", "\\u007F")
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(str(k))} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    return str(value)


def bytes_mutated(rng, text: bytes) -> bytes:
    """Bytes flipped, cut, moved, repeated, or tokens put between them."""
    raw = bytearray(text)
    for _ in range(rng.choice([1, 1, 3, 20])):
        at, kind = rng.randrange(len(raw) + 1), rng.randrange(5)
        if kind == 0 and at < len(raw):
            raw[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del raw[at : at + rng.choice([1, 4, 60])]
        elif kind == 2:
            raw[at:at] = rng.choice(TOKENS).encode(errors="replace") * rng.choice([1, 1, 1, 100])
        elif kind == 3:
            raw[at:at] = raw[rng.randrange(len(raw) + 1) :][:40]
        else:
            raw[at : at + 8] = rng.randbytes(8)
    return bytes(raw)


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
