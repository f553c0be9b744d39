"""Memory: what limits and control groups leave, asked before a program runs; too little of it is a sentence."""

import subprocess
import sys

import jax
import psutil
import pytest

from spindle.errors import MethodError, ProblemError
from spindle.training import memory

GIB = 2**30
LINUX = pytest.mark.skipif(not psutil.LINUX, reason="limits and control groups as Linux has them")


def written(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(content), encoding="utf-8")


def group(limit, used, idle=None):
    stat = {"memory.stat": f"anon 5\ninactive_file {idle}\n"} if idle is not None else {"memory.stat": "anon 5\n"}
    return {"memory.max": limit, "memory.current": used} | stat


def old_group(limit, used, idle=0):
    stat = f"cache 7\ntotal_inactive_file {idle}\n"
    return {"memory.limit_in_bytes": limit, "memory.usage_in_bytes": used, "memory.stat": stat}


def under(folder, files):
    return {f"{folder}/{name}": content for name, content in files.items()}


@pytest.mark.parametrize(
    ("membership", "files", "left"),
    [
        ("0::/", group("max", 5), []),
        ("0::/", group(3 * GIB, GIB), [2 * GIB]),
        ("0::/", group(3 * GIB, GIB, GIB // 2), [5 * GIB // 2]),
        ("0::/", group(GIB, 2 * GIB), [0]),
        ("0::/job/step", under("job/step", group("max", 1)) | under("job", group(4 * GIB, GIB)), [3 * GIB]),
        ("0::/job", under("job", group(9 * GIB, GIB)) | group(4 * GIB, GIB), [8 * GIB, 3 * GIB]),
        ("0::/named/otherwise/outside", group(2 * GIB, GIB), [GIB]),
        ("0::/../../above", group(2 * GIB, GIB), [GIB]),
        ("4:memory:/docker/1", under("memory/docker/1", old_group(2 * GIB, GIB, 7)), [GIB + 7]),
        ("4:memory:/docker/1", under("memory", old_group(2 * GIB, GIB)), [GIB]),
        ("9:name=systemd:/\n3:cpuset,cpu:/a:b\n0::/", group(2 * GIB, GIB), [GIB]),
        ("0::/", {}, []),
        ("0::/", {"memory.max": "no number", "memory.current": 3}, []),
        ("", group(1, 0), []),
        (None, group(1, 0), []),
    ],
)
def test_control_groups_leave_what_they_do_not_use(tmp_path, monkeypatch, membership, files, left):
    monkeypatch.setattr(memory, "_CONTROL", tmp_path / "groups")
    monkeypatch.setattr(memory, "_MEMBERSHIP", tmp_path / "membership")
    written(tmp_path / "groups", files)
    if membership is not None:
        (tmp_path / "membership").write_text(membership, encoding="utf-8")
    assert memory._left_by_groups() == left


def test_the_least_counts(monkeypatch):
    monkeypatch.setattr(memory, "_left_by_limits", lambda: [7, 9])
    monkeypatch.setattr(memory, "_left_by_groups", lambda: [8])
    assert memory.memory_bytes() == 7
    monkeypatch.setattr(memory, "_left_by_limits", list)
    monkeypatch.setattr(memory, "_left_by_groups", list)
    assert 0 < memory.memory_bytes() <= psutil.virtual_memory().total


def test_a_program_that_needs_more_is_named(monkeypatch):
    compiled = jax.jit(lambda a: a @ a).lower(jax.ShapeDtypeStruct((1000, 1000), "float32")).compile()
    assert memory.excess(compiled) == ""
    monkeypatch.setattr(memory, "memory_bytes", lambda: 2 * 2**20)
    assert memory.excess(compiled) == "4 MiB of memory, of which 2 MiB are left"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("std::bad_alloc"),
        MemoryError("Unable to allocate 7 EiB"),
        jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 40000000000 bytes.\nmore\nlines"),
        jax.errors.JaxRuntimeError("INTERNAL: Failed to allocate 3 bytes: out of memory"),
    ],
)
def test_too_little_is_one_sentence(error):
    with pytest.raises(MethodError) as refused, memory.memory_in_sentences("spd.solve(p)", lambda: " It is kept."):
        raise error
    said = str(refused.value)
    assert said.startswith("`spd.solve(p)` needs more memory than it can have (") and "\n" not in said
    assert said.endswith("lower `points`, `width` or `rank`, or give it more memory. It is kept.")


@pytest.mark.parametrize("error", [jax.errors.JaxRuntimeError("INTERNAL: no"), ProblemError("p"), ValueError("v")])
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error)) as raised, memory.memory_in_sentences("spd.solve(p)"):
        raise error
    assert raised.value is error


LIMITED = """
import resource
import warnings
import jax.numpy as jnp
import numpy as np
import psutil
import spindle as spd
from tests.test_platforms import TINY, problem

warnings.simplefilter("ignore", spd.SolveWarning)

def leave(mib):
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + mib * 2**20, hard))

def say(method, **options):
    try:
        print(spd.solve(problem(), method, progress=False, **options).run.stopped_by, flush=True)
    except spd.SpindleError as error:
        print(type(error).__name__, error, flush=True)

leave(300)
say(TINY)
leave(1800)
say(TINY)
leave(300)
say(spd.PINN(points=2_000_000, steps=1))
say(TINY, callbacks=[lambda record, total: np.ones(10**9)], out="numpy")
say(TINY, callbacks=[lambda record, total: jnp.ones(10**9)], out="jax")
for name in ("numpy", "jax"):
    print(spd.resume(name, progress=False).run.iterations)
"""


@LINUX
@pytest.mark.slow
def test_under_real_limits_every_end_is_a_sentence(tmp_path):
    command = [sys.executable, "-c", LIMITED]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    start, steps, step, by_numpy, by_jax, *resumed = done.stdout.splitlines()
    assert "JAX takes about" in start and "raise them (`ulimit -v unlimited`" in start
    assert steps == "steps"
    assert "iB of memory, of which" in step and "lower `points`" in step
    assert "Unable to allocate" in by_numpy and by_numpy.endswith("What was trained until then is in numpy.")
    assert "RESOURCE_EXHAUSTED" in by_jax and by_jax.endswith("What was trained until then is in jax.")
    assert resumed == ["2", "2"]


@LINUX
@pytest.mark.parametrize("mib", [400, 700])
def test_the_command_names_a_limit_that_its_packages_do_not_fit_into(mib):
    code = f"""
import psutil
psutil.Process().rlimit(psutil.RLIMIT_AS, ({mib} * 2**20, {mib} * 2**20))
import spindle_command
spindle_command.main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and f"`ulimit -v` allows {mib}; raise it" in done.stderr
