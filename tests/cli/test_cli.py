"""The command line as scripts rely on it: one JSON object, exit statuses, sentences instead of tracebacks."""

import html
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest
from typer._completion_shared import get_completion_script

import spindle as spd
import spindle_command
from spindle.cli.main import main, process
from spindle.methods.registry import method_named

SMALL = ["--set", "steps=20", "--set", "lbfgs_steps=0", "--set", "newton_steps=0"]
SMALL += ["--set", "width=8", "--set", "points=8"]
# Where the method does not matter.
TINY = ["--method", "pinn", "--set", "steps=20", "--set", "lbfgs_steps=0", "--set", "balance=0"]
TINY += ["--set", "width=4", "--set", "hidden_layers=1", "--set", "points=4"]


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def spindle(monkeypatch, capsys):
    """Run the command in this process, without the estimate of the error unless it is asked for."""

    def run(*arguments):
        if arguments[0] in ("solve", "resume") and "--estimate" not in arguments:
            arguments = (*arguments, "--no-estimate")
        monkeypatch.setattr(sys, "argv", ["spindle", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        return Done(stopped.value.code or 0, out, err)

    return run


def test_json_prints_one_object_and_nothing_else(spindle, tmp_path):
    """In a process of its own the same is tested without a home."""
    done = spindle("solve", "poisson2d", *SMALL, "--seed", "3", "--out", str(tmp_path / "run"), "--json")
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
        (["poisson2d", "--recipe", "papers"], "--set recipe=papers` is not known. Did you mean `paper`?"),
        (["poisson2d", "--set", "rnak=3"], "no setting `rnak`, so it would be ignored. Did you mean `rank`?"),
        (["poisson2d", "--set", "rank=-3"], "`--method spinn --set rank=-3` needs a whole number of at least 1."),
        (["poisson2d", "--set", "rank=many"], "`--method spinn --set rank=many` needs a whole number of at least 1."),
        (["poisson2d", "--set", "rank"], "`--set rank` has no value; write `--set KEY=VALUE`"),
        (["poisson2d", "--set", "activation=tahn"], "`activation='tahn'` is not known. Did you mean `tanh`?"),
        (["poisson2d", "--set", "weights={'dirichlet': 1}"], "names the residual `dirichlet`, which does not exist"),
        (["poisson2d", "--set", "points=(4,4,4)"], "has 3 numbers for a problem of 2 axes"),
        (["poisson2d", "--seed", "-1"], "needs a whole number of at least 0"),
        (["poisson2d", "--budget", "-1"], "`--budget -1` must be a positive number of seconds"),
        (["poisson2d", "--seed", "99999999999999999999"], "a whole number of at least 0 and below 2^32"),
        (["poisson2d", "--set", "scale_inputs=no"], "`--method spinn --set scale_inputs=no` needs true or false."),
        (["poisson2d", "--set", "fourier=(0,-1)"], "needs a whole number and a positive one"),
        (["poisson2d", "--set", "weights={'equation':'a'}"], "needs a number for each residual it names"),
        (["poisson2d", "--set", "schedule=3"], "`--method spinn --set schedule=3` is not known."),
        (["poisson2d", "--set", "width=1000000000"], "needs a whole number of at most 10000000"),
        (["poisson2d", "--method", "pinn", "--set", "width=1000000"], "GiB of memory, of which"),
        (["poisson2d", "--set", "m=abc"], "The option `m` of poisson2d needs a finite number"),
        (["poisson2d", "--set", "m=1e400"], "The option `m` of poisson2d needs a finite number"),
        (["burgers", "--set", "nu=-1"], "The problem `burgers` cannot be posed with nu=-1"),
        (["diffusion3d", "--set", "a=-1"], "no setting `a`, so it would be ignored."),
        (["diffusion3d", "--set", "a=-1"], "Options of diffusion3d: none."),
        (["helmholtz3d", "--set", "a4=1"], "Options of helmholtz3d: a1=4, a2=4, a3=3, k=1."),
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
    first = spindle("solve", "poisson2d", *TINY, "--out", str(tmp_path / "run"), "--json")
    other = spindle("solve", "poisson2d", *TINY, "--seed", "1", "--out", str(tmp_path / "run"), "--json")
    again = spindle("solve", "poisson2d", *TINY, "--out", str(tmp_path / "run"), "--json")
    assert other.returncode == 2
    assert "holds another run (seed 0 there and 1 here), and two runs cannot share one" in other.stderr
    assert "Continuing" not in other.stderr
    assert "Continuing" not in again.stderr, "a finished run has nothing to continue"
    assert json.loads(again.stdout)["errors"] == json.loads(first.stdout)["errors"]


@pytest.mark.slow
def test_a_run_that_goes_on_says_so_once(spindle, tmp_path):
    command = ["solve", "poisson2d", *SMALL, "--out", str(tmp_path / "run")]
    assert json.loads(spindle(*command, "--budget", "0.001", "--json").stdout)["stopped_by"] == "budget"
    again = spindle(*command)
    assert again.returncode == 0
    assert again.stderr.count(f"Continuing the run in {tmp_path / 'run'}.") == 1


def test_divergence_is_status_3(spindle, tmp_path):
    done = spindle("solve", "poisson2d", *TINY, "--set", "learning_rate=1e300", "--out", str(tmp_path / "run"))
    assert done.returncode == 3
    assert "not finite" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_divergence_prints_its_record_too(spindle, tmp_path):
    done = spindle("solve", "poisson2d", *TINY, "--set", "learning_rate=1e300", "--out", str(tmp_path / "r"), "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["stopped_by"] == "diverged"


def test_an_interrupt_before_training_says_so(spindle, tmp_path, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("spindle.cli.main.compute", interrupted)
    done = spindle("solve", "poisson2d", "--out", str(tmp_path / "run"))
    assert done.returncode == 130
    assert done.stderr == "spindle: interrupted before training began; nothing was saved.\n"
    monkeypatch.setattr("spindle.cli.main.load", interrupted)
    assert spindle("report", str(tmp_path)).stderr == "spindle: interrupted.\n"


def test_too_little_memory_is_status_2(spindle, tmp_path, monkeypatch):
    def exhausted(*arguments, **options):
        raise MemoryError("Unable to allocate 7 EiB")

    monkeypatch.setattr("spindle.cli.main.compute", exhausted)
    done = spindle("solve", "poisson2d", "--out", str(tmp_path / "run"))
    assert done.returncode == 2
    assert done.stderr == (
        f"spindle: `spindle solve poisson2d --out {tmp_path / 'run'} --no-estimate` needs more memory than it can have "
        f"(Unable to allocate 7 EiB), so it had to stop; lower `points`, `width` or `rank`, or give it more memory.\n"
    )


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_an_interrupt_while_importing_is_no_traceback(tmp_path, name, status):
    (tmp_path / "spindle").mkdir()
    (tmp_path / "spindle" / "__init__.py").write_text(f"import signal; signal.raise_signal(signal.{name})")
    shutil.copy(spindle_command.__file__, tmp_path)
    command = [sys.executable, "-c", "import spindle_command; spindle_command.main()"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status
    assert done.stderr == "spindle: interrupted before training began; nothing was saved.\n"


@pytest.mark.slow
def test_the_report_repeats_the_command_with_all_options(spindle, tmp_path):
    options = ["--set", "a1=1", "--set", "k=2.5"]
    spindle("solve", "helmholtz3d", *options, *SMALL, "--seed", "3", "--out", str(tmp_path / "run"))
    page = html.unescape((tmp_path / "run" / "report.html").read_text())
    (command,) = re.findall(r"spindle solve [^<]*", page)
    for part in ("solve helmholtz3d --method spinn", "--seed 3", "--set a1=1", "--set k=2.5", "--set width=8"):
        assert part in command
    assert f"spd.load('{tmp_path / 'run'}')" in page
    shell = shlex.split(command)[1:]
    assert spindle(*shell, "--out", str(tmp_path / "run")).returncode == 0, "the command means the same run"


def test_a_report_of_your_own_problem_names_no_command(spindle, tmp_path):
    x = spd.coordinates("x")
    u = spd.unknown("u", x)
    mine = spd.Problem(spd.Interval(x, 0, 1), [u.diff(x, 2) + 1], [spd.Dirichlet(u)], name="poisson2d")
    spd.solve(mine, spd.PINN(steps=2, lbfgs_steps=0, width=4, points=4), out=tmp_path / "run", progress=False)
    assert spindle("report", str(tmp_path / "run")).returncode == 0
    assert "On the command line" not in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_directory_that_cannot_be_is_status_2(spindle, tmp_path, place):
    (tmp_path / "file").write_text("")
    done = spindle("solve", "poisson2d", *SMALL, "--out", str(tmp_path / place))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{place} cannot be written" in done.stderr
    assert spindle("resume", str(tmp_path / place)).returncode == 2


def test_an_empty_directory_name_is_refused(spindle):
    done = spindle("solve", "poisson2d", "--out", "")
    assert done.returncode == 2
    assert "'' is no directory for a run" in done.stderr


def test_the_version_is_that_of_the_package(spindle):
    done = spindle("--version")
    assert done.returncode == 0
    assert done.stdout.startswith(f"spindle {spd.__version__} (Python 3.")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_the_command(shell):
    """The script that a shell would source names the command and asks it for words."""
    script = get_completion_script(prog_name="spindle", complete_var="_SPINDLE_COMPLETE", shell=shell)
    assert "spindle" in script and "_SPINDLE_COMPLETE" in script


@pytest.mark.parametrize("name", ["SPINN", "spinn", "CausalPINN", "causal-pinn", "FastLRNR"])
def test_a_method_has_the_name_of_its_class_in_any_case(spindle, name):
    assert spindle("list", name).stdout == spindle("list", name.upper()).stdout
    assert type(method_named(name, {})).__name__.casefold() == name.casefold().replace("-", "")


def test_list_describes_one_problem(spindle):
    assert "options  a1=4, a2=4, a3=3, k=1" in spindle("list", "helmholtz3d").stdout
    assert json.loads(spindle("list", "poisson2d", "--json").stdout)["options"] == {"m": 1, "n": 1}
    assert spindle("list", "poison2d").returncode == 2


def test_list_describes_the_settings_of_a_method(spindle):
    assert "Source: Raissi" in spindle("list", "pinn").stdout
    settings = json.loads(spindle("list", "pinn-mod", "--json").stdout)["settings"]
    assert (
        settings["hidden_layers"]
        == "number of hidden layers (of gated layers, for the modified network) (1 to 1,000) [3]"
    )


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_saves_and_says_how_to_resume(tmp_path, signum):
    run = tmp_path / "run"
    command = [sys.executable, "-m", "spindle", "solve", "poisson2d", *SMALL, "--set", "steps=100000000"]
    child = subprocess.Popen([*command, "--out", str(run)], stderr=subprocess.PIPE, text=True)
    while not (run / "checkpoint.npz").exists():  # the first one is written after 20 seconds of training
        assert child.poll() is None
        time.sleep(0.05)
    child.send_signal(signum)
    _, said = child.communicate(timeout=120)
    assert child.returncode == 128 + signum
    assert f"spindle resume {run}" in said
    assert "stopping, and keeping what there is" in said
    assert (run / "checkpoint.npz").exists()
    assert (run / "solution.npz").exists()


def test_resume_without_a_run_says_so(spindle, tmp_path):
    done = spindle("resume", str(tmp_path))
    assert done.returncode == 2
    assert "is no run directory" in " ".join(done.stderr.split())


def test_only_the_process_of_the_command_ends_before_work_that_came_too_late(monkeypatch):
    """Who calls the command line from Python, as these tests do, goes on."""
    ended = []
    monkeypatch.setattr(sys, "argv", ["spindle", "list", "--json"])
    monkeypatch.setattr("spindle.cli.main.left_behind", lambda: True)
    monkeypatch.setattr("spindle.cli.main.os._exit", ended.append)
    with pytest.raises(SystemExit):
        main()
    assert not ended
    with pytest.raises(SystemExit):
        process()
    assert ended == [0]
