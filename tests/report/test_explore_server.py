"""The server of the page of a family: for this machine alone, with what nobody else needs to be asked for."""

import asyncio
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import numpy as np
import pytest

from spindle.cli.main import main
from spindle.results.directory import RunDirectory

pytest.importorskip("bokeh")

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

from spindle.report.explore.page import SCRIPTS, fill
from spindle.report.explore.server import explore, serving
from tests.cli.test_terminal import in_terminal, posix, spindle
from tests.families import convection
from tests.report.browser import CHROMIUM, visited
from tests.solutions import untrained


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The directory of a family that was not trained, which is there sooner."""
    return untrained(convection()).save(tmp_path_factory.mktemp("runs") / "plain")


def test_the_page_needs_nothing_from_elsewhere(explorer):
    async def visit():
        with serving(lambda document: fill(document, explorer), 0) as server:
            address, client = f"http://127.0.0.1:{server.port}/", AsyncHTTPClient()
            page = (await client.fetch(address, request_timeout=120)).body.decode()  # it compiles before it answers
            assert "Convection &lt;i&gt;" in page
            assert "<math" in page
            assert re.search(r'<p class="verdict( bad)?">(Solved|Doubtful|Not solved)', page)
            assert re.findall(r'(?:src|href)="([^"]*)"', page) == list(SCRIPTS)
            for script in SCRIPTS:
                assert len((await client.fetch(address + script)).body) > 1e5

    asyncio.run(visit())


def test_the_page_is_for_this_machine_alone(explorer):
    async def intrude():
        with serving(lambda document: fill(document, explorer), 0) as server:
            assert server.address == "127.0.0.1"
            request = f"ws://127.0.0.1:{server.port}/ws"
            with pytest.raises(Exception, match="403"):
                await websocket_connect(
                    HTTPRequest(request, headers={"Origin": "http://elsewhere.org"}),
                    subprotocols=["bokeh", "token"],
                )

    asyncio.run(intrude())


@pytest.mark.parametrize("host", ["evil.example", "evil.example:PORT", "127.0.0.1.evil.example:PORT", "127.0.0.1", ""])
def test_who_asks_for_another_host_gets_nothing(explorer, host):
    """As a browser does whose page has a name that was made to mean this machine."""

    async def rebind():
        with serving(lambda document: fill(document, explorer), 0) as server:
            name = host.replace("PORT", str(server.port))
            headers = {"Host": name, "Origin": f"http://{name}"}
            for path in ("/", SCRIPTS[0], "/autoload.js", "/nowhere"):
                with pytest.raises(Exception, match=r"40[03]"):
                    await AsyncHTTPClient().fetch(f"http://127.0.0.1:{server.port}/{path}", headers=headers)
            with pytest.raises(Exception, match=r"40[03]"):
                await websocket_connect(HTTPRequest(f"ws://127.0.0.1:{server.port}/ws", headers=headers))

    asyncio.run(rebind())


@pytest.mark.parametrize("path", ["", SCRIPTS[0], "nowhere"])
def test_browsers_are_told_what_the_page_may_do(explorer, path):
    async def visit():
        with serving(lambda document: fill(document, explorer), 0) as server:
            address = f"http://localhost:{server.port}/{path}"
            found = await AsyncHTTPClient().fetch(address, raise_error=False)
            assert found.headers["X-Content-Type-Options"] == "nosniff"
            assert found.headers["X-Frame-Options"] == "DENY"
            assert "frame-ancestors 'none'" in found.headers["Content-Security-Policy"]

    asyncio.run(visit())


@pytest.fixture
def refused(monkeypatch, capsys):
    """The sentence with which the command refuses."""

    def refuse(*arguments):
        monkeypatch.setattr(sys, "argv", ["spindle", "explore", *map(str, arguments), "--no-browser"])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == 2
        said = capsys.readouterr().err
        assert "Traceback" not in said
        return " ".join(said.split())

    return refuse


def test_a_directory_that_is_no_run_is_refused(refused, tmp_path):
    assert f"{tmp_path} is no run directory" in refused(tmp_path)


def test_a_solution_without_parameters_is_refused(refused, tmp_path):
    problem = convection().at(beta=1.5)
    untrained(problem).save(tmp_path / "run")
    said = refused(tmp_path / "run")
    assert "`convection` has no parameter that ranges, so there is nothing to move" in said
    assert f"spindle report {tmp_path / 'run'}" in said


def test_a_port_that_is_taken_is_refused(refused, run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"cannot use port {port} (Address already in use); name another" in refused(run, "--port", port)


def test_without_bokeh_the_extra_is_named(refused, run, monkeypatch):
    monkeypatch.setitem(sys.modules, "bokeh.server.server", None)
    said = refused(run)
    assert "which is not installed; `pip install 'spindle-pinn[explore]'` brings it." in said


def test_the_browser_is_opened_at_the_page(run, monkeypatch):
    opened, said = [], []
    monkeypatch.setattr("webbrowser.open", opened.append)

    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr("tornado.platform.asyncio.BaseAsyncIOLoop.start", lambda self: stop())
    with pytest.raises(KeyboardInterrupt):
        explore(RunDirectory.at(run), 0, browser=True, tell=said.append)
    (line,) = said
    (address,) = re.findall(r"http://127\.0\.0\.1:\d+", line)
    assert line == f"exploring {run} at {address} (Ctrl-C ends it)"
    assert opened == [address]


def test_the_command_serves_until_it_is_interrupted(plain):
    # Where the tests run in the background Ctrl-C is ignored, and children inherit that.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "from spindle.cli.main import main; main()"
    command = [sys.executable, "-c", code, "explore", str(plain), "--port", "0", "--no-browser"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = child.stderr.readline()
    address = re.fullmatch(rf"exploring {re.escape(str(plain))} at (http://127.0.0.1:\d+) \(Ctrl-C ends it\)\n", line)[
        1
    ]
    with urllib.request.urlopen(address, timeout=60) as page:
        assert page.status == 200
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == (130, "", "spindle: interrupted.\n")


@posix
def test_explore_in_a_terminal(plain):
    text, status = in_terminal(spindle("explore", str(plain), "--port", "0", "--no-browser"), until="http://")
    assert status in (0, 130), text
    assert "Traceback" not in text


# --------------------------------------------------------------------------------------------------- in a browser


# Whatever is inside the shadow roots of widgets, too.
SEARCH = """
const all = root => [...root.querySelectorAll('*')].flatMap(e => [e, ...(e.shadowRoot ? all(e.shadowRoot) : [])]);
const find = name => all(document).find(e => e.classList.contains(name));
"""
PICTURE = "Array.from(Bokeh.documents[0].get_model_by_name('picture').renderers[0].data_source.data.image[0])"
TOLD = "Bokeh.documents[0].get_model_by_name('facts').text"


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_a_key_on_a_slider_moves_picture_and_numbers_in_a_browser(explorer, tmp_path):
    async def visit():
        with serving(lambda document: fill(document, explorer), 0) as server:
            await visited(tmp_path, f"http://127.0.0.1:{server.port}/", use, silent=False)

    async def use(tab):
        await tab.until(f"!{TOLD}.includes('…')")
        before = explorer.ask("u", explorer.start)
        np.testing.assert_allclose(await tab.value(PICTURE), before.values.ravel(), rtol=1e-6, atol=1e-6)
        assert await tab.until(f"(() => {{ {SEARCH} find('noUi-handle').focus(); return true }})()")
        for _ in range(5):
            for kind in ("keyDown", "keyUp"):
                await tab.call(
                    "Input.dispatchKeyEvent", type=kind, key="ArrowRight", code="ArrowRight", windowsVirtualKeyCode=39
                )
        moved = explorer.start["beta"] + 5 * explorer.sliders[0].step
        after = explorer.ask("u", {"beta": moved})
        assert f"{after.estimate:.1e}" != f"{before.estimate:.1e}"
        await tab.until(f"{TOLD}.includes('{after.estimate:.1e}') && !{TOLD}.includes('…')")
        np.testing.assert_allclose(await tab.value(PICTURE), after.values.ravel(), rtol=1e-6, atol=1e-6)
        shown = await tab.value(f"(() => {{ {SEARCH} return all(document).map(e => e.textContent).join(' ') }})()")
        assert f"beta (1 to 2): {moved:g}" in " ".join(shown.split())
        assert f"{explorer.error({'beta': moved}):.1e}" in shown

    asyncio.run(visit())
