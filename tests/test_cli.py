"""The command line as scripts rely on it: one JSON object, exit statuses, sentences instead of tracebacks."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest

from spindle.cli import main

SMALL = ["--set", "steps=20", "--set", "lbfgs_steps=0", "--set", "width=8", "--set", "points=8"]


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def spindle(monkeypatch, capsys):
    """Run the command in this process."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["spindle", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        return Done(stopped.value.code or 0, out, err)

    return run


def test_json_prints_one_object_and_nothing_else(tmp_path):
    command = [sys.executable, "-m", "spindle", "solve"]
    command += ["poisson2d", *SMALL, "--seed", "3", "--out", str(tmp_path / "run"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    _check_record(done)


def _check_record(done):
    record = json.loads(done.stdout)
    assert set(record) >= {
        "problem", "method", "recipe", "seed", "device", "dtype", "parameters", "iterations", "stopped_by", "errors",
        "loss", "residuals", "seconds", "peak_memory_bytes",
    }  # fmt: skip
    assert set(record["errors"]["u"]) == {"rel_l2", "rmse", "max"}
    assert set(record["seconds"]) == {"total", "setup", "compile", "train", "evaluate"}
    assert (record["problem"], record["method"], record["seed"], record["iterations"]) == ("poisson2d", "spinn", 3, 20)
    assert record["peak_memory_bytes"] > 1e7


def test_list_names_every_problem_in_both_forms(spindle):
    listed = json.loads(spindle("list", "--json").stdout)
    names = [p["name"] for p in listed["problems"]]
    table = spindle("list").stdout
    assert "helmholtz3d" in names
    assert all(name in table for name in names)
    assert set(listed["methods"]) >= {"pinn", "pinn-mod", "spinn"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["helmholz3d"], "no such problem in the gallery. Did you mean `helmholtz3d`?"),
        (["poisson2d", "--method", "spin"], "There is no method `spin`. Did you mean `spinn`?"),
        (["poisson2d", "--recipe", "papers"], "(recipe='papers')` is not known. Did you mean `paper`?"),
        (["poisson2d", "--set", "rnak=3"], "no setting `rnak`, so it would be ignored. Did you mean `rank`?"),
        (["poisson2d", "--set", "rank=-3"], "`sp.SPINN(rank=-3)` needs a whole number of at least 1."),
        (["poisson2d", "--set", "rank=many"], "`sp.SPINN(rank='many')` needs a whole number of at least 1."),
        (["poisson2d", "--set", "rank"], "`--set rank` has no value; write `--set KEY=VALUE`"),
        (["poisson2d", "--set", "activation=tahn"], "`activation='tahn'` is not known. Did you mean `tanh`?"),
        (["poisson2d", "--set", "weights={'dirichlet': 1}"], "names the residual `dirichlet`, which does not exist"),
        (["poisson2d", "--set", "points=(4,4,4)"], "has 3 numbers for a problem of 2 axes"),
        (["poisson2d", "--seed", "-1"], "needs a whole number of at least 0"),
        (["poisson2d", "--budget", "-1"], "`sp.solve(budget=-1.0)` must be positive"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(spindle, tmp_path, arguments, sentence):
    done = spindle("solve", *arguments, "--out", str(tmp_path / "run"))
    said = " ".join(done.stderr.split())
    assert done.returncode == 2
    assert sentence in said
    assert "Traceback" not in said
    assert not (tmp_path / "run").exists()


def test_another_run_in_the_same_directory_is_refused(spindle, tmp_path):
    first = spindle("solve", "poisson2d", *SMALL, "--out", str(tmp_path / "run"), "--json")
    other = spindle("solve", "poisson2d", *SMALL, "--seed", "1", "--out", str(tmp_path / "run"), "--json")
    again = spindle("solve", "poisson2d", *SMALL, "--out", str(tmp_path / "run"), "--json")
    assert other.returncode == 2
    assert "holds another run" in " ".join(other.stderr.split())
    assert json.loads(again.stdout)["errors"] == json.loads(first.stdout)["errors"]


def test_divergence_is_status_3(spindle, tmp_path):
    done = spindle("solve", "poisson2d", *SMALL, "--set", "learning_rate=1e300", "--out", str(tmp_path / "run"))
    assert done.returncode == 3
    assert "not finite" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_interrupt_saves_and_says_how_to_resume(tmp_path):
    run = tmp_path / "run"
    command = [sys.executable, "-m", "spindle", "solve", "poisson2d", *SMALL, "--set", "steps=100000000"]
    child = subprocess.Popen([*command, "--out", str(run)], stderr=subprocess.PIPE, text=True)
    while not (run / "checkpoint.npz").exists():  # the first one is written after 20 seconds of training
        assert child.poll() is None
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=120)
    assert child.returncode == 130
    assert f"spindle resume {run}" in " ".join(said.split()).replace(" /", "/").replace("resume/", "resume /")
    assert (run / "checkpoint.npz").exists()
    assert (run / "solution.npz").exists()


def test_resume_without_a_run_says_so(spindle, tmp_path):
    done = spindle("resume", str(tmp_path))
    assert done.returncode == 2
    assert "is no run directory" in " ".join(done.stderr.split())
