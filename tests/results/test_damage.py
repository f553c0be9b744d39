"""Damaged, foreign and lost files, and full disks: a sentence each, and what was saved before stays what it was."""

import errno
import functools
import json
import os
import random
import shutil
import subprocess
import sys

import numpy as np
import pytest
from sympy import Eq, sin

import spindle as spd
from spindle.cli.main import main
from spindle.errors import RunError, SpindleError
from spindle.gallery.registry import gallery
from spindle.results.directory import _fingerprint, write_json
from spindle.storage.arrays import load_arrays, save_arrays
from tests.solutions import untrained
from tests.solving.test_windows import decay

t, x = spd.coordinates("t x")


def line():
    u = spd.unknown("u", x)
    return spd.Problem(spd.Interval(x, 0, 1), [Eq(u.diff(x, 2), sin(x))], [spd.Dirichlet(u)], name="line")


def alone():
    """In time alone, which makes the least of a march."""
    u = spd.unknown("u", t)
    return spd.Problem(spd.Interval(t, 0, 1), [Eq(u.diff(t), -u)], [spd.Initial(u, 1)], name="alone")


TINY = {"points": 5, "width": 6, "hidden_layers": 1, "lbfgs_steps": 0, "balance": 0, "steps": 20}
CASES = {
    "spinn": (decay(), spd.SPINN(rank=3, newton_steps=0, **TINY)),
    "pinn": (line(), spd.PINN(**TINY)),
    "dtpinn": (gallery("poisson_disk"), spd.DTPINN(nodes=100, order=2, newton_steps=2, width=6)),
    "marched": (alone(), spd.PINN(windows=2, **TINY)),
}
UNFINISHED = {"marched": ("solution.npz", "window02/solution.npz")}


def solve(name, out, **options):
    problem, method = CASES[name]
    return spd.solve(problem, method, out=out, progress=False, **options)


@pytest.fixture(scope="module", autouse=True)
def unsolved():
    """A march goes on after windows that are not solved: trained for a few steps, none is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("spindle.solving.windows.UNSOLVED", np.inf)
        yield


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """name -> a finished run; `name-open`: before its last file was written; `name-other`: of another seed."""
    root = tmp_path_factory.mktemp("runs")

    @functools.cache
    def made(name):
        case, _, kind = name.partition("-")
        if kind == "open":
            shutil.copytree(made(case), root / name)
            for file in UNFINISHED.get(case, ("solution.npz",)):
                (root / name / file).unlink()
        else:
            solve(case, root / name, seed=1 if kind == "other" else 0)
        return root / name

    return made


@pytest.fixture
def copied(runs, tmp_path):
    def copy(name):
        return shutil.copytree(runs(name), tmp_path / name)

    return copy


def values(solution):
    return solution.grid(**{str(c): 7 for c in solution.problem.coordinates})


def damage(rng, file, runs):
    """Do something to a file; returns what."""
    kind = rng.choice(["truncated", "a bit", "many bits", "zeros", "another run's", "deleted", "empty", "nonsense"])
    content = bytearray(file.read_bytes())
    if kind == "truncated":
        content = content[: rng.randrange(len(content))]
    elif kind in ("a bit", "many bits"):
        for _ in range(1 if kind == "a bit" else 40):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif kind == "zeros":
        place = rng.randrange(len(content))
        content[place : place + 512] = bytes(len(content[place : place + 512]))
    elif kind == "another run's":
        content = rng.choice(sorted(found for run in runs for found in run.rglob(file.name))).read_bytes()
    elif kind == "empty":
        content = b""
    elif kind == "nonsense":
        content = rng.choice([b"[]", b"null", b'{"format": 3}', b"[" * 100_000, b"PK", b"\x80\x04\x95"])
    file.write_bytes(content)
    if kind == "deleted":
        file.unlink()
    return kind


@pytest.mark.parametrize(
    ("seed", "files", "names"), [(0, 6, ("pinn", "dtpinn")), pytest.param(1, 30, tuple(CASES), marks=pytest.mark.slow)]
)
def test_random_damage_is_a_sentence_or_harmless(runs, tmp_path, seed, files, names):
    rng, wanted = random.Random(seed), {name: values(spd.load(runs(name))) for name in names}
    for number in range(files):
        name = rng.choice([*names, *(f"{name}-open" for name in names)])
        path = shutil.copytree(runs(name), tmp_path / f"{number}")
        file = rng.choice([f for f in sorted(path.rglob("*")) if f.suffix in (".npz", ".json")])
        done = f"{name}: {file.relative_to(path)}, {damage(rng, file, [runs(name) for name in names])}"
        acts = [spd.load, lambda path: spd.resume(path, progress=False)] if number % 3 == 0 else [spd.load]
        for act in acts:
            try:
                solution = act(path)
            except SpindleError as error:
                assert "\n" not in str(error) and str(error).endswith("."), done
                continue
            except Exception as error:
                raise AssertionError(f"{done}: a traceback") from error
            if len(solution.windows) in (0, 2):
                np.testing.assert_array_equal(values(solution), wanted[name.removesuffix("-open")], err_msg=done)
            else:
                assert solution.run.stopped_by == "interrupted", done


@pytest.mark.parametrize("name", ["checkpoint.npz", "solution.npz"])
def test_numbers_of_another_run_are_refused(runs, copied, name):
    path = copied("pinn" if name == "solution.npz" else "pinn-open")
    shutil.copy(runs("pinn-other") / name, path / name)
    with pytest.raises(RunError, match=rf"{name} belongs to another run than run.json, .* put the right one back, or"):
        spd.load(path) if name == "solution.npz" else spd.resume(path, progress=False)


def test_run_and_problem_of_different_runs_are_refused(copied, tmp_path):
    path = copied("pinn")
    shutil.copy(untrained(alone()).save(tmp_path / "other") / "problem.npz", path)
    with pytest.raises(RunError, match=r"run.json and problem.npz in .* do not belong together"):
        spd.load(path)


def test_a_checkpoint_of_another_format_is_refused_with_advice(copied):
    path = copied("pinn-open") / "checkpoint.npz"
    arrays, meta = load_arrays(path)
    save_arrays(path, arrays, meta | {"format": 0})
    with pytest.raises(
        RunError, match=r"by another version of spindle .* finish the run by that version, or remove it"
    ):
        spd.resume(path.parent, progress=False)


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("pinn", {"network": "quantum"}, r"`spd.PINN\(network='quantum'\)` is not known"),
        ("pinn", {"entanglement": 3}, "has no setting `entanglement`"),
        ("qpinn", {}, "There is no method `qpinn`"),
    ],
)
def test_a_method_of_another_version_is_a_sentence(copied, name, settings, words):
    path = copied("pinn")
    info = json.loads((path / "run.json").read_text())
    info["method"] = {"name": name, "settings": info["method"]["settings"] | settings}
    arrays, data = load_arrays(path / "problem.npz")
    described = {key: info[key] for key in ("format", "problem", "method", "seed")}
    write_json(path / "run.json", info | {"fingerprint": _fingerprint(data, arrays, described)})
    with pytest.raises(RunError, match=f"is none of this version of spindle: .*{words}.*; read the run by the version"):
        spd.load(path)


@pytest.mark.slow
def test_the_advice_keeps_what_can_be_kept(runs, copied):
    """Each file in turn is damaged, and what the sentence says is done: the same numbers in the end."""
    wanted = values(spd.load(runs("marched")))
    for name in ("run.json", "window01/solution.npz", "window02/checkpoint.npz"):
        path = copied("marched-open")
        (path / name).write_bytes(b"PK nonsense")
        with pytest.raises(RunError, match=rf"{name} is damaged or foreign .*; remove it"):
            spd.resume(path, progress=False)
        (path / name).unlink()
        again = solve("marched", path) if name == "run.json" else spd.resume(path, progress=False)
        np.testing.assert_array_equal(values(again), wanted, err_msg=name)
        np.testing.assert_array_equal(values(spd.load(path)), wanted, err_msg=name)
        shutil.rmtree(path)


def test_a_lost_problem_is_written_again(runs, copied):
    path = copied("pinn-open")
    (path / "problem.npz").unlink()
    with pytest.raises(RunError, match=r"has lost its problem.npz; solve the same problem"):
        spd.resume(path, progress=False)
    solve("pinn", path)
    np.testing.assert_array_equal(values(spd.load(path)), values(spd.load(runs("pinn"))))


def test_another_run_does_not_take_over_what_a_lost_run_left(copied):
    path = copied("pinn-open")
    (path / "run.json").unlink()
    with pytest.raises(
        RunError, match=r"has no run.json; solve the same problem by the same method with the same seed"
    ):
        spd.resume(path, progress=False)
    with pytest.raises(RunError, match=r"belongs to another run than run.json"):
        solve("pinn", path, seed=5)


def test_some_windows_are_no_whole_solution(copied):
    part = spd.load(copied("marched-open"))
    assert len(part.windows) == 1
    assert part.run.stopped_by == "interrupted"
    assert np.isnan(part(t=0.9))


# ------------------------------------------------------------------------------------------------- full disks


@pytest.mark.parametrize("name", ["problem.npz", "run.json", "checkpoint.npz", "solution.npz"])
def test_a_full_disk_keeps_what_was_saved(runs, tmp_path, monkeypatch, name):
    written = os.replace

    def full(source, target):
        if str(target).endswith(name):
            raise OSError(errno.ENOSPC, "No space left on device")
        written(source, target)

    with monkeypatch.context() as patched, pytest.raises(RunError, match=rf"{name} cannot be written \(No space left"):
        patched.setattr(os, "replace", full)
        solve("pinn", tmp_path)
    assert not [*tmp_path.glob(".*.part")]
    again = solve("pinn", tmp_path) if name in ("problem.npz", "run.json") else spd.resume(tmp_path, progress=False)
    np.testing.assert_array_equal(values(again), values(spd.load(runs("pinn"))))


LIMITED = """
import resource, signal, sys
from spindle.cli.main import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))
sys.argv = ["spindle", "solve", "poisson2d", "--method", "pinn", "--no-estimate", "--out", {out!r}]
for setting in ("steps=20", "lbfgs_steps=0", "width=40", "hidden_layers=1", "points=5"):
    sys.argv += ["--set", setting]
main()
"""


@pytest.mark.slow
def test_a_full_disk_is_a_sentence_and_status_2(tmp_path):
    """A real process whose files cannot grow beyond some kilobytes: the checkpoint does not fit."""
    code = LIMITED.format(out=str(tmp_path / "run"))
    environment = os.environ | {"JAX_ENABLE_COMPILATION_CACHE": "false"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False, env=environment
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert "checkpoint.npz cannot be written (File too large); make room and go on" in done.stderr
    assert (tmp_path / "run" / "run.json").exists()
    assert spd.resume(tmp_path / "run", progress=False).run.iterations == 20


@pytest.mark.parametrize(("code", "status"), [(errno.ENOSPC, 2), (errno.EPIPE, 1)])
def test_output_that_cannot_be_written(monkeypatch, capsys, code, status):
    def refused(*arguments, **options):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(sys, "argv", ["spindle", "list", "--json"])
    monkeypatch.setattr("spindle.cli.main.print", refused, raising=False)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == status
    said = capsys.readouterr().err
    assert said == (
        "" if status == 1 else "spindle: the output cannot be written (No space left on device); make room first.\n"
    )
