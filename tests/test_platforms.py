"""Any system: modules that only POSIX has, odd paths, no home, text files, signals, words for a shell."""

import ast
import functools
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import jax
import pytest
from sympy import Eq, sin

import spindle as spd
import spindle_command
from spindle.cli.main import main
from spindle.derivatives.rbf_fd import cache as weights_cache
from spindle.report.html import write_report
from spindle.results.directory import RunDirectory, for_shell
from spindle.results.run_record import RunRecord
from spindle.storage import arrays as checkpoint
from spindle.training.interrupts import SIGNALS
from tests.solutions import untrained

ROOT = Path(spd.__file__).parent
SOURCES = [*ROOT.rglob("*.py"), Path(spindle_command.__file__)]
ODD = ("with space", "é", "漢字", "🧵", "C:", "100%", "it's", "a'b c", "$HOME", "a&b;c", "-dash", "[x]", "~")
SETTINGS = {"steps": 2, "lbfgs_steps": 0, "points": 4, "width": 4, "hidden_layers": 1}
TINY = spd.PINN(**SETTINGS)
BY_COMMAND = ["--method", "pinn", *(f"--set={key}={value}" for key, value in SETTINGS.items())]
FILE = """
coordinates = { x = [0, 1] }
unknowns = "u"
equations = ["diff(u, x, x) = sin(x)"]
conditions = [{ dirichlet = "u = 0" }]
"""


def problem():
    x = spd.coordinates("x")
    u = spd.unknown("u", x)
    return spd.Problem(spd.Interval(x, 0, 1), [Eq(u.diff(x, 2), sin(x))], [spd.Dirichlet(u)], name="small")


@functools.cache
def solution():
    return untrained(problem(), RunRecord(stopped_by="steps"), TINY)


# --------------------------------------------------------------------------------------------- what only POSIX has

WITHOUT = """
import os, signal, sys, warnings
import h5netcdf, jax, matplotlib.figure, platformdirs.unix, psutil, rich.console, scipy.linalg, threadpoolctl, typer
from filelock import lock_descriptor  # these packages are as Linux has them, and use some of it

class Missing:
    names = {"resource", "fcntl", "termios", "pwd", "grp", "pty", "tty", "syslog"}
    def find_spec(self, name, path=None, target=None):
        if name in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in Missing.names:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Missing())
for name in ("sysconf", "getuid", "geteuid", "getgid", "fork", "forkpty", "O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK",
             "sched_getaffinity", "getpgid", "setsid", "killpg", "nice", "uname", "mkfifo", "chown", "getloadavg"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "SIGUSR1", "SIGQUIT", "SIGALRM", "setitimer", "pthread_sigmask"):
    if hasattr(signal, name):
        delattr(signal, name)
for name in ("rlimit",):
    delattr(psutil.Process, name)
import spindle as spd
from tests.test_platforms import TINY, problem
warnings.simplefilter("ignore", spd.SolveWarning)
solution = spd.solve(problem(), TINY, out=sys.argv[1], progress=False)
assert spd.load(sys.argv[1]).run.iterations == solution.run.iterations == 2
assert solution.run.peak_memory_bytes > 1e7
"""


def test_it_solves_where_no_module_of_posix_is(tmp_path):
    command = [sys.executable, "-W", "error", "-c", WITHOUT, str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_text_is_read_and_written_as_utf8(path):
    """Without `encoding` Windows takes another one."""
    for call in (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        given = {k.arg for k in call.keywords} | {a.value for a in call.args if isinstance(a, ast.Constant)}
        if name in ("read_text", "write_text") or (name == "open" and not given & {"rb", "wb", "r+b", "a+b"}):
            owner = ast.unparse(call.func)
            assert "encoding" in given or owner in ("os.open", "Image.open", "webbrowser.open", "self._archive.open"), (
                f"line {call.lineno}"
            )


# ------------------------------------------------------------------------------------------------------- odd paths


@pytest.mark.parametrize("name", ODD)
def test_runs_are_kept_in_folders_of_any_name(tmp_path, name):
    place = tmp_path / name / name
    solution().save(place)
    assert spd.load(place).run.stopped_by == "steps"
    page = write_report(solution(), place / "report.html")
    assert "<html" in page.read_text(encoding="utf-8")
    command = RunDirectory.at(place).command("resume")
    assert shlex.split(command) == ["spindle", "resume", str(place)]


def test_words_are_quoted_for_the_shell_of_the_system(monkeypatch):
    monkeypatch.setattr("spindle.results.directory.os", SimpleNamespace(name="nt"))
    assert for_shell(["spindle", "resume", r"C:\my runs\é", 3]) == r'spindle resume "C:\my runs\é" 3'


@pytest.fixture
def spindle(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["spindle", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        return SimpleNamespace(status=stopped.value.code or 0, **capsys.readouterr()._asdict())

    return run


def test_a_problem_file_at_an_odd_place_is_solved_and_resumed(spindle, tmp_path):
    folder = tmp_path / "C: é 漢字 🧵"
    folder.mkdir()
    (folder / "it's ü.toml").write_text(FILE, encoding="utf-8")
    arguments = (folder / "it's ü.toml", *BY_COMMAND, "--out", folder / "run", "--json")
    assert json.loads(spindle("solve", *arguments, "--no-estimate").out)["iterations"] == 2
    assert (folder / "run" / "problem.toml").read_text(encoding="utf-8") == FILE
    assert spindle("resume", folder / "run", "--no-estimate", "--json").status == 0


def test_a_file_that_somebody_reads_is_replaced_a_moment_later(tmp_path, monkeypatch):
    """As Windows has it: nobody may replace an open file."""
    replace, refused = os.replace, []

    def busy(source, target):
        if len(refused) < 3:
            refused.append(target)
            raise PermissionError(13, "in use")
        replace(source, target)

    monkeypatch.setattr(os, "replace", busy)
    checkpoint.write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new" and len(refused) == 3
    monkeypatch.setattr(checkpoint, "_PAUSES", (0.0,))
    refused[:] = []
    with pytest.raises(spd.RunError, match=r"file cannot be written \(in use\); choose a directory that can"):
        checkpoint.write_atomically(tmp_path / "file", b"newer")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# --------------------------------------------------------------------------------------------------------- no home

NOWHERE = "/dev/null/x"  # below a file nobody makes a folder, root neither
HOMES = [
    {"HOME": NOWHERE, "XDG_CACHE_HOME": None},
    {"HOME": NOWHERE, "XDG_CACHE_HOME": NOWHERE},
    {"HOME": None, "XDG_CACHE_HOME": NOWHERE},
    {"HOME": "", "XDG_CACHE_HOME": NOWHERE},
    {"SPINDLE_CACHE": NOWHERE},
]


def surroundings(monkeypatch, changes):
    for name in ("SPINDLE_CACHE", "JAX_COMPILATION_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in changes.items():
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)


@pytest.mark.parametrize("changes", HOMES)
def test_where_nothing_can_be_kept_nothing_is(monkeypatch, changes):
    surroundings(monkeypatch, changes)
    assert spindle_command._folder() is None
    folder = weights_cache._folder(None)
    weights_cache._write(folder / "weights.npz", *(jax.numpy.zeros(0, int), []))
    assert weights_cache._read(folder / "weights.npz", (0, 0), 0) is None


def test_without_anybody_at_home_no_folder_of_that_name_is_made(monkeypatch, tmp_path):
    surroundings(monkeypatch, {"HOME": None, "XDG_CACHE_HOME": None})
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.chdir(tmp_path)
    assert spindle_command._folder() is None and weights_cache._folder(None) is None
    assert not list(tmp_path.iterdir())


def test_the_cache_is_where_the_user_wants_it(monkeypatch, tmp_path):
    surroundings(monkeypatch, {"XDG_CACHE_HOME": str(tmp_path / "x")})
    assert spindle_command._folder() == tmp_path / "x" / "spindle" / "jax"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPINDLE_CACHE", "mine")
    assert spindle_command._folder() == tmp_path / "mine" / "jax"
    assert weights_cache._folder(None) == Path("mine")


def test_the_command_solves_without_a_home(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k not in ("SPINDLE_CACHE", "JAX_COMPILATION_CACHE_DIR")}
    (tmp_path / "small.toml").write_text(FILE, encoding="utf-8")
    command = [sys.executable, "-c", "import spindle_command; spindle_command.main()", "solve", "small.toml"]
    command += [*BY_COMMAND, "--no-estimate", "--json", "--no-progress"]
    environment |= {"HOME": NOWHERE, "XDG_CACHE_HOME": NOWHERE, "PYTHONPATH": str(ROOT.parent)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["iterations"] == 2


# --------------------------------------------------------------------------------------------------------- signals

ALONE = [s for s in SIGNALS if s != signal.SIGINT]


def sent(*signals):
    left = list(signals)

    def callback(record, total):
        while left:
            signal.raise_signal(left.pop(0))

    return callback


@pytest.mark.parametrize("signals", [[s] for s in SIGNALS] + [[*ALONE, *ALONE], [signal.SIGINT, *ALONE]])
def test_a_signal_saves_the_state(tmp_path, capsys, signals):
    before = [signal.getsignal(s) for s in SIGNALS]
    part = spd.solve(problem(), TINY, out=tmp_path / "run", callbacks=[sent(*signals)], progress=False)
    assert part.run.stopped_by == "interrupted"
    assert capsys.readouterr().err.count("stopping, and keeping what there is") == 1
    assert [signal.getsignal(s) for s in SIGNALS] == before
    whole = spd.resume(tmp_path / "run", progress=False)
    assert (whole.run.stopped_by, whole.run.iterations) == ("steps", 2)


@pytest.mark.parametrize("signum", ALONE)
def test_a_handler_of_the_user_stays(signum):
    came = []
    before = signal.signal(signum, lambda number, frame: came.append(number))
    try:
        assert spd.solve(problem(), TINY, callbacks=[sent(signum)], progress=False).run.stopped_by == "steps"
    finally:
        signal.signal(signum, before)
    assert came == [signum]


def test_outside_the_main_thread_signals_are_left_alone():
    solutions = []
    thread = threading.Thread(target=lambda: solutions.append(spd.solve(problem(), TINY, progress=False)))
    thread.start()
    thread.join()
    assert solutions[0].run.stopped_by == "steps"


@pytest.mark.parametrize(
    ("phase", "signum"),
    [*(("setup", s) for s in SIGNALS), *(("training", s) for s in ALONE), ("report", signal.SIGTERM)],
)
def test_the_command_ends_by_the_signal_and_says_how_to_go_on(spindle, tmp_path, monkeypatch, signum, phase):
    def stop(*arguments, **options):
        signal.raise_signal(signum)

    run = tmp_path / "a run"
    if phase == "setup":
        monkeypatch.setattr("spindle.cli.main.compute", stop)
    if phase == "training":
        monkeypatch.setattr("spindle.cli.main.tell_of_continuing", lambda directory: [sent(signum)])
    if phase == "report":
        monkeypatch.setattr("spindle.cli.outcome.write_report", stop)
    (tmp_path / "small.toml").write_text(FILE, encoding="utf-8")
    done = spindle("solve", tmp_path / "small.toml", *BY_COMMAND, "--out", run, "--no-estimate")
    assert done.status == 128 + signum
    if phase == "setup":
        assert done.err == "spindle: interrupted before training began; nothing was saved.\n"
    else:
        assert done.err.endswith(f"spindle: interrupted; continue with `spindle resume '{run}'`.\n")
        monkeypatch.undo()
        assert spd.resume(run, progress=False).run.iterations == 2
