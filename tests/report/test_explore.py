"""The page of a family: its pictures are the members, its sliders move them, and only this machine sees it."""

import asyncio
import concurrent.futures
import contextlib
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import numpy as np
import pytest
from sympy import Eq, cos, sin

import spindle as sp
from spindle.cli.main import main
from spindle.report.explore.queries import Answer, Explorer, Slider, facts
from spindle.results.directory import RunDirectory

pytest.importorskip("bokeh")

from bokeh.document import Document
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

from spindle.report.explore.page import SCRIPTS, facts_html, fill, image_data, line_data
from spindle.report.explore.server import explore, serving
from tests.cli.test_terminal import in_terminal, posix, spindle
from tests.families import convection
from tests.report.browser import CHROMIUM, visited
from tests.solutions import untrained

t, x, y = sp.coordinates("t x y")


def on_a_line():
    """One coordinate, and a reference that is tabulated for two members."""
    u, k, m = sp.unknown("u", x), sp.parameter("k", range=(1, 2)), sp.parameter("m", range=(0, 1))
    nodes, members = np.linspace(0, 1, 9), [{"k": 1.25, "m": 0.5}, {"k": 1.5123, "m": 0.25}]
    tables = [sp.GridReference({"x": nodes}, np.cos(own["k"] * nodes) + own["m"]) for own in members]
    return sp.Problem(
        domain=sp.Interval(x, 0, 1),
        equations=[Eq(u.diff(x, 2), -(k**2) * (u - m))],
        conditions=[sp.Dirichlet(u, 1 + m, on=Eq(x, 0))],
        reference={u: sp.FamilyReference(members, tables)},
        name="line",
    )


def in_the_plane():
    """Three coordinates and two unknowns."""
    u, v, nu = sp.unknown("u", t, x, y), sp.unknown("v", t, x, y), sp.parameter("nu", range=(0.5, 1))
    return sp.Problem(
        domain=sp.Box({t: (0, 2), x: (0, 1), y: (0, 3)}),
        equations=[Eq(u.diff(t), nu * sp.laplacian(u)), Eq(v.diff(t), u)],
        reference={u: cos(x) * nu, v: sin(y) + t},
        name="plane",
    )


@pytest.fixture(scope="module")
def run(family):
    """The directory of a small family that was trained for a few steps."""
    return family / "run"


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The directory of a family that was not trained, which is there sooner."""
    return untrained(convection()).save(tmp_path_factory.mktemp("runs") / "plain")


@pytest.fixture(scope="module")
def explorer(run):
    return Explorer(sp.load(run))


def written(explorer):
    """The document of a page, and a function that lets the time pass which its callbacks wait for."""
    document = Document()
    fill(document, explorer)

    def pass_time():
        waiting = document.session_callbacks
        for callback in waiting:
            if callback in document.session_callbacks:  # one may take another back
                callback.callback()
        return len(waiting)

    return document, pass_time


def widget(document, title):
    (found,) = [m for m in document.models if str(getattr(m, "title", "")).startswith(title)]
    return found


def source(document, column):
    (found,) = [m for m in document.models if column in getattr(m, "column_names", [])]
    return found


# ------------------------------------------------------------------------------------------------- what is shown


def test_the_picture_is_the_member(explorer):
    member, (times, places) = explorer.solution(beta=1.3), explorer.nodes
    answer = explorer.ask("u", {"beta": 1.3})
    assert explorer.axes == ("t", "x"), "time is horizontal"
    np.testing.assert_array_equal(answer.values, member.grid(t=times, x=places).T)
    assert (answer.estimate, answer.residual) == (member.estimate, member.residual)
    assert explorer.error({"beta": 1.3}) == member.error()
    assert answer.query > 0 < answer.drawn
    (image,) = image_data(explorer, answer)["image"]
    np.testing.assert_allclose(image, answer.values, rtol=1e-6, atol=1e-6)


def test_lines_are_the_member_at_some_times(explorer):
    member, answer = explorer.solution(beta=1.7), explorer.ask("u", {"beta": 1.7})
    lines = line_data(explorer, answer)
    assert list(explorer.times) == ["t = 0", "t = 0.25", "t = 0.5", "t = 0.75", "t = 1"]
    for k, time_ in enumerate((0, 0.25, 0.5, 0.75, 1)):
        np.testing.assert_allclose(lines[f"line{k}"], member(t=time_, x=lines["nodes"]), rtol=1e-12, atol=1e-12)


def test_one_scale_fits_the_whole_family(explorer):
    low, high = explorer.limits["u"]
    for beta in (1, 1.5, 2):
        values = explorer.ask("u", {"beta": beta}).values
        assert low - 1e-12 <= values.min() < values.max() <= high + 1e-12


def test_a_family_by_another_method_has_pictures_but_no_estimates():
    solution = untrained(convection(), method=sp.SPINN(width=8, rank=2, points=8, steps=2, newton_steps=0))
    explorer = Explorer(solution)
    answer = explorer.ask("u", {"beta": 1.25})
    times, places = explorer.nodes
    np.testing.assert_array_equal(answer.values, solution.grid(t=times, x=places, beta=[1.25])[..., 0].T)
    assert answer.estimate is None
    told = facts(answer, explorer.error({"beta": 1.25}))
    assert set(told) == {"error against reference", "picture of 9,801 values"}
    nodes = np.linspace(0, 1, 101), np.linspace(0, 2 * np.pi, 101)
    exact = 1 + np.sin(nodes[1] - 1.25 * nodes[0][:, None])
    gap = solution.grid(t=nodes[0], x=nodes[1], beta=[1.25])[..., 0] - exact
    assert explorer.error({"beta": 1.25}) == pytest.approx(np.linalg.norm(gap) / np.linalg.norm(exact))


def test_one_coordinate_is_a_line_and_members_with_a_table_have_an_error():
    explorer = Explorer(untrained(on_a_line()))
    assert [s.name for s in explorer.sliders] == ["k", "m"]
    answer = explorer.ask("u", {"k": 1.25, "m": 0.5})
    nodes = np.linspace(0, 1, 9)
    np.testing.assert_allclose(answer.values[::50], explorer.solution(x=nodes, k=1.25, m=0.5), rtol=1e-12, atol=1e-12)
    wanted = np.cos(1.25 * nodes) + 0.5
    gap = explorer.solution(x=nodes, k=1.25, m=0.5) - wanted
    assert explorer.error({"k": 1.25, "m": 0.5}) == pytest.approx(np.linalg.norm(gap) / np.linalg.norm(wanted))
    assert explorer.error({"k": 1.3, "m": 0.5}) is None
    assert facts(answer, None)["error against reference"] == "no reference"


def test_of_three_coordinates_time_is_a_slider():
    explorer = Explorer(untrained(in_the_plane()))
    assert explorer.axes == ("x", "y")
    assert [(s.name, s.low, s.high) for s in explorer.sliders] == [("nu", 0.5, 1), ("t", 0, 2)]
    assert not explorer.lined
    chosen, v = {"nu": 0.75, "t": 1.5}, explorer.unknowns["v"]
    values = explorer.ask("v", chosen).values
    assert values.shape == (81, 121)
    assert values[20, 90] == pytest.approx(float(explorer.solution(v, t=1.5, x=0.75, y=0.75, nu=0.75)))
    assert explorer.error(chosen) > 0


@pytest.mark.parametrize(
    ("ends", "step", "start"),
    [((5, 8), 0.02, 6.5), ((0, 2), 0.02, 1), ((0, 2 * np.pi), 0.05, 3.15), ((1e-3, 2e-3), 1e-5, 0.0015)],
)
def test_steps_of_a_slider_are_round(ends, step, start):
    slider = Slider("p", *ends)
    assert (slider.step, slider.start) == (step, pytest.approx(start, rel=1e-12))


def test_values_past_the_last_step_are_those_of_the_end(explorer):
    np.testing.assert_array_equal(explorer.ask("u", {"beta": 2.004}).values, explorer.ask("u", {"beta": 2}).values)


def test_facts_in_words():
    told = facts(Answer(np.zeros((2, 3)), 1.23e-4, 0.0456, 1.64, 28.4), 3e-4)
    assert told == {
        "estimated relative error": "1.2e-04",
        "residual": "4.6e-02",
        "error against reference": "3.0e-04",
        "query": "1.6 ms",
        "picture of 6 values": "28 ms",
    }
    assert facts(Answer(np.zeros(1), 1.0, 1.0, 1.0, 1.0), None, measured=False)["error against reference"] == "…"
    assert "<script>" not in facts_html({"<script>": "<script>"})


def test_answers_to_several_threads_are_those_to_one(explorer):
    betas = np.linspace(1, 2, 12)
    alone = [explorer.ask("u", {"beta": beta}).values for beta in betas]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda beta: explorer.ask("u", {"beta": beta}).values, betas))
    np.testing.assert_array_equal(alone, together)


# ------------------------------------------------------------------------------------------------------ the page


def test_moving_a_slider_draws_another_member(explorer):
    document, pass_time = written(explorer)
    slider, told = widget(document, "beta (1 to 2)"), document.get_model_by_name("facts")
    before = told.text
    slider.value = 1.22
    assert pass_time()
    answer = explorer.ask("u", {"beta": 1.22})
    np.testing.assert_array_equal(source(document, "image").data["image"], image_data(explorer, answer)["image"])
    np.testing.assert_array_equal(source(document, "line3").data["line3"], answer.values[:, 90])
    assert f"{answer.estimate:.1e}" in told.text != before
    assert "…" in told.text
    assert pass_time()
    assert f"{explorer.error({'beta': 1.22}):.1e}" in told.text
    assert pass_time() == 0


def test_movements_in_the_meantime_are_drawn_once(explorer, monkeypatch):
    document, pass_time = written(explorer)
    pass_time()
    asked = []
    monkeypatch.setattr(explorer, "ask", lambda *a, ask=explorer.ask: asked.append(a) or ask(*a))
    for value in (1.1, 1.2, 1.3):
        widget(document, "beta").value = value
    pass_time()
    assert asked == [("u", {"beta": 1.3})]


def test_a_dropdown_chooses_the_unknown():
    explorer = Explorer(untrained(in_the_plane()))
    document, pass_time = written(explorer)
    assert [root.name for root in document.roots] == ["controls", "facts", "picture"]
    widget(document, "t (0 to 2)").value = 0.5
    widget(document, "unknown").value = "v"
    pass_time()
    wanted = explorer.ask("v", {"nu": 0.75, "t": 0.5}).values
    np.testing.assert_allclose(source(document, "image").data["image"][0], wanted, rtol=1e-6)
    (mapper,) = {m for m in document.models if type(m).__name__ == "LinearColorMapper"}
    assert (mapper.low, mapper.high) == explorer.limits["v"]


def test_members_with_a_table_can_be_chosen():
    document, pass_time = written(Explorer(untrained(on_a_line())))
    chooser = widget(document, "go to a member")
    assert chooser.options[1:] == ["k = 1.25, m = 0.5", "k = 1.5123, m = 0.25"]
    chooser.value = chooser.options[2]
    pass_time()
    pass_time()
    assert widget(document, "k (").value == 1.5123
    assert "no reference" not in document.get_model_by_name("facts").text


# ---------------------------------------------------------------------------------------------------- the server


def test_the_page_needs_nothing_from_elsewhere(explorer):
    async def visit():
        with serving(lambda document: fill(document, explorer), 0) as server:
            address, client = f"http://127.0.0.1:{server.port}/", AsyncHTTPClient()
            page = (await client.fetch(address)).body.decode()
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


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, 0.0, -5, "1.5", None, True, [1.5]])
def test_what_no_slider_sends_is_answered_by_a_sentence(explorer, value):
    with pytest.raises(sp.ProblemError, match=r"The slider `beta` was set to .* solved from 1 to 2 only"):
        explorer.ask("u", {"beta": value})
    document, pass_time = written(explorer)
    pass_time()
    slider = next(model for model in document.models if type(model).__name__ == "Slider")
    with contextlib.suppress(ValueError):  # Bokeh refuses what is no number
        slider.value = value
        pass_time()
        facts = document.get_model_by_name("facts").text
        assert facts.startswith("<p>The slider `beta` was set to")


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
