"""One process at a time writes a run directory, and any number may read it."""

import errno
import os
import subprocess
import sys

import pytest
from sympy import Eq, sin

import spindle as spd
from spindle.errors import RunError
from spindle.storage.lock import Lock

METHOD = spd.PINN(steps=60, lbfgs_steps=0, points=4, width=4, hidden_layers=1)


def problem():
    x = spd.coordinates("x")
    u = spd.unknown("u", x)
    return spd.Problem(spd.Interval(x, 0, 1), [Eq(u.diff(x, 2), sin(x))], [spd.Dirichlet(u)], name="small")


WRITER = """
import sys
import spindle as spd
from tests.storage.test_lock import METHOD, problem

def wait(record, total):
    print("writing", flush=True)
    sys.stdin.read()

spd.solve(problem(), METHOD, out={out!r}, callbacks=[wait], progress=False)
"""


@pytest.fixture
def writer(tmp_path):
    """A run that stopped half-way, and another process that has just begun to continue it."""

    run = tmp_path / "run"
    spd.solve(problem(), METHOD, budget=1e-3, out=run, progress=False)
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER.format(out=str(run))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "writing\n"
    with child:
        yield run, child
        child.kill()


def test_a_second_writer_is_refused_until_the_first_is_dead(writer):
    run, child = writer
    sentence = (
        rf"{run} is being written by another process \(number {child.pid}\), .* wait until it has ended, end it, or"
    )
    with pytest.raises(RunError, match=sentence):
        spd.resume(run, progress=False)
    with pytest.raises(RunError, match=sentence):
        spd.solve(problem(), METHOD, out=run, progress=False)
    with pytest.raises(RunError, match=sentence):
        spd.load(run).save(run)
    assert spd.load(run).run.stopped_by == "budget", "reading is possible meanwhile"
    child.kill()
    child.wait()
    assert spd.resume(run, progress=False).run.stopped_by == "steps"


def test_where_there_are_no_locks_nothing_is_refused(tmp_path, monkeypatch):
    def unsupported(descriptor, blocking):
        raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr("spindle.storage.lock.lock_descriptor", unsupported)
    with Lock(tmp_path) as first, Lock(tmp_path) as second:
        first.acquire()
        second.acquire()


def test_it_is_taken_once_and_given_back(tmp_path):
    with Lock(tmp_path / "run") as lock:
        assert not (tmp_path / "run").exists(), "nothing is made before it is needed"
        lock.acquire()
        lock.acquire()
        with Lock(tmp_path / "run") as other, pytest.raises(RunError, match=rf"number {os.getpid()}\)"):
            other.acquire()
    with Lock(tmp_path / "run") as again:
        again.acquire()


@pytest.mark.parametrize("left", [b"", b" 99999999           ", b"12345", b"\xff\xfe nobody knows", b"x" * 10_000])
def test_a_file_left_behind_locks_nothing(tmp_path, left):
    (tmp_path / ".lock").write_bytes(left)
    with Lock(tmp_path) as lock:
        lock.acquire()
        with Lock(tmp_path) as other, pytest.raises(RunError, match=rf"another process \(number {os.getpid()}\)"):
            other.acquire()
    assert (tmp_path / ".lock").stat().st_size == max(20, len(left)), "it is never shortened: it may be another's"


def test_what_a_killed_process_left_is_removed(tmp_path):
    left = [tmp_path / ".checkpoint.npz.123.part", tmp_path / "window02" / ".solution.npz.123.part"]
    others = [tmp_path / ".report.html.123.part", tmp_path / "another" / ".checkpoint.npz.123.part"]
    for path in (*left, *others):
        path.parent.mkdir(exist_ok=True)
        path.write_text("half")
    with Lock(tmp_path) as lock:
        lock.acquire()
    assert [path.exists() for path in (*left, *others)] == [False, False, True, True]
