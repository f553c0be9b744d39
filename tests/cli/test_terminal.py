"""What a person sees: commands and scripts in a terminal of any size, in a notebook, and where there is neither."""

import os
import re
import subprocess
import sys
import time

import pytest

import spindle as spd
from spindle.solving.progress import Shown
from spindle.training.history import HistoryEntry

posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
# On a line, which compiles in half a second.
FILE = """
coordinates = { x = [0, 1] }
unknowns = "u"
equations = ["diff(u, x, x) = sin(x)"]
conditions = [{ dirichlet = "u = 0" }]
"""
SMALL = ["--method", "spinn", "--set", "width=8", "--set", "newton_steps=5", "--no-estimate"]
SCRIPT = """
from sympy import Eq, sin
import spindle as spd

x = spd.coordinates("x")
u = spd.unknown("u", x)
problem = spd.Problem(
    domain=spd.Interval(x, 0, 1), equations=[Eq(u.diff(x, 2), sin(x))], conditions=[spd.Dirichlet(u, 0)], name="mine"
)
solution = spd.solve(problem, spd.SPINN(width=8, newton_steps=2))
"""


def in_terminal(command, *, rows=24, columns=80, timeout=120, until=None, **environment):
    """What a command writes to a pseudo-terminal of that size, and its exit status.

    until   end it by Ctrl-C once this text was seen
    """
    import fcntl
    import pty
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    before = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    # The child makes the terminal its own, so that Ctrl-C reaches it.
    own = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
    child = subprocess.Popen(
        [sys.executable, "-c", own, *command],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=before | {"TERM": "xterm-256color"} | environment,
        start_new_session=True,
    )
    os.close(slave)
    seen, ends = b"", time.monotonic() + timeout
    while time.monotonic() < ends:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        seen += piece
        if until is not None and until.encode() in seen:
            os.write(master, b"\x03")
            until = None
    status = child.wait(timeout=30)
    os.close(master)
    return seen.decode(errors="replace"), status


def visible(text):
    """The text without colours and movements of the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def spindle(*arguments):
    return [sys.executable, "-m", "spindle", *arguments]


# One process for all of them: what takes time is to start Python and to import JAX.
TERMINALS = """
import fcntl, os, struct, sys, termios
from rich.console import Console
from spindle.cli import main as cli, outcome, output

def solve(name, rows, columns, *options, **environment):
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    before = dict(os.environ)
    os.environ.update(environment)
    output.console = Console(stderr=True, highlight=False)
    print(f"<<{name}>>", flush=True)
    status = cli.app(["solve", *sys.argv[2:], *options, "--out", f"{sys.argv[1]}/{name}"], standalone_mode=False)
    print(f"<<status {status}>>", flush=True)
    os.environ.clear()
    os.environ.update(before)

solve("usual", 24, 80)
outcome.report_of = lambda solution, directory: directory.path / "report.html"  # its pictures are those of the first
solve("tiny", 5, 20)
solve("colourless", 50, 200, NO_COLOR="1")
solve("dumb", 24, 80, TERM="dumb")
solve("quiet", 24, 80, "--no-progress")

print("<<script>>", flush=True)
exec(os.environ["SCRIPT"], {})
kept = os.dup(1), os.dup(2)
for number, name in ((1, "out"), (2, "err")):
    os.dup2(os.open(f"{sys.argv[1]}/{name}", os.O_WRONLY | os.O_CREAT), number)
exec(os.environ["SCRIPT"], {})
for number, before in zip((1, 2), kept):
    os.dup2(before, number)
"""


@pytest.fixture(scope="module")
def terminals(tmp_path_factory):
    """What the same solve writes to terminals of several kinds, by name, and a script to one and to files."""
    folder = tmp_path_factory.mktemp("terminals")
    (folder / "line.toml").write_text(FILE)
    command = [sys.executable, "-c", TERMINALS, str(folder), str(folder / "line.toml"), *SMALL]
    text, status = in_terminal(command, SCRIPT=SCRIPT)
    assert status == 0, text
    written = dict(zip(*[iter(re.split(r"<<(usual|tiny|colourless|dumb|quiet|script)>>", text)[1:])] * 2, strict=True))
    return written | {name: (folder / name).read_text() for name in ("out", "err")}


@posix
@pytest.mark.parametrize("kind", ["usual", "tiny", "colourless", "dumb", "quiet"])
def test_a_solve_in_a_terminal(terminals, kind):
    text = terminals[kind]
    assert "<<status 0>>" in text, text
    assert "residuals  equation" in visible(text)
    assert ("\x1b[2K" in text) == (kind not in ("dumb", "quiet")), "where the cursor cannot move there is no bar"
    if kind == "colourless":
        assert not re.search(r"\x1b\[3[0-9]m", text)


@posix
def test_ctrl_c_in_a_terminal_ends_at_once_and_keeps_what_there_is(tmp_path):
    (tmp_path / "line.toml").write_text(FILE)
    long = ["--method", "pinn", "--no-estimate", "--set", "steps=10000000"]
    long += ["--set", "width=4", "--set", "hidden_layers=1", "--set", "points=4"]
    command = spindle("solve", str(tmp_path / "line.toml"), *long, "--out", str(tmp_path / "run"))
    text, status = in_terminal(command, until="loss ")
    assert status == 130, text
    assert f"continue with `spindle resume {tmp_path / 'run'}`" in visible(text).replace("\r\n", "")
    assert spd.load(tmp_path / "run").run.stopped_by == "interrupted"


@posix
def test_a_script_in_a_terminal(terminals):
    text = terminals["script"]
    assert "mine by spinn" in visible(text)
    assert "\x1b[2K" in text, "a bar while it runs"


@pytest.fixture
def piped(request):
    """What a script writes where there is no terminal: to standard output, and to standard error."""
    if sys.platform != "win32":
        terminals = request.getfixturevalue("terminals")
        return terminals["out"], terminals["err"]
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


def test_a_script_whose_output_is_piped(piped):
    out, err = piped
    assert not out, "standard output is the user's own"
    assert "mine by spinn" in err
    assert "\x1b" not in err


def test_a_notebook_shows_a_bar_and_the_summary():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    cells = [nbformat.v4.new_code_cell(SCRIPT), nbformat.v4.new_code_cell("solution")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=180, kernel_name="python3").execute()
    shown = [output.get("data", {}) for output in notebook.cells[0].outputs]
    assert any("<b>mine by spinn</b>" in data.get("text/html", "") for data in shown), "the summary at the end"
    assert not any("setting up" in data.get("text/plain", "") for data in shown), "the bar is gone at the end"
    (value,) = notebook.cells[1].outputs
    assert "<table>" in value.data["text/html"]
    assert not any(output.get("name") == "stdout" for cell in notebook.cells for output in cell.outputs)


def test_a_line_in_a_log_says_where_the_run_is():
    drawn = []
    shown = Shown("mine", lambda s: drawn.append(s.line), parts=True)
    shown.stage("compiling Adam")
    shown.window = "window 2 of 3"
    parts = {"equation": 0.25, "initial u": 0.5, "dirichlet u": 0.125, "tiny": 0.0}
    shown.step(HistoryEntry(7, "Adam", 1.0, 0.875, {"u": 0.01}, parts=parts), 100)
    shown.stage("checking on fresh points")
    assert re.fullmatch(r"mine: compiling Adam, \d+ s", drawn[0])
    by_part = r"loss 8.8e-01 \(initial u 5.0e-01, equation 2.5e-01, dirichlet u 1.2e-01\), error u 1.0e-02"
    assert re.fullmatch(rf"mine: window 2 of 3: Adam, step 7 of at most 100, {by_part}, \d+ s", drawn[1])
    assert re.fullmatch(rf"mine: window 2 of 3: checking on fresh points, {by_part}, \d+ s", drawn[2])
