"""The page that compares runs: only what differs, every number of every run, and one scale for all."""

import asyncio
import functools
import re
import sys
import tempfile

import numpy as np
import pytest
import sympy

import spindle as spd
from spindle.cli.main import main
from spindle.problem.sameness import same_problem
from spindle.report.comparison import write_comparison
from spindle.report.html import number
from spindle.results.run_record import RunRecord
from spindle.training.history import Clock, History, HistoryEntry
from tests.report.pages import Page, cauchy_riemann, interval, six, square
from tests.solutions import SMALL, untrained

x, y = spd.coordinates("x y")


def run(stopped_by="steps", size=1.0, **fields):
    """The record of a run, all numbers in proportion to its size."""
    errors = {"u": {"rel_l2": 0.0123 * size, "rmse": 1.0 * size, "max": 2.0 * size}}
    history = History(HistoryEntry(k, "Adam", 0.1 * k, size / k, {"u": size / k**2}) for k in (1, 5, 50))
    given = {"errors": errors, "history": history, "seconds": Clock(1.0, 2.0, 3.0 * size, 0.5), "loss": size} | fields
    return RunRecord(stopped_by=stopped_by, iterations=50, **given)


@functools.cache
def compared():
    """The page of three runs of one problem, and their solutions."""
    solutions = [
        untrained(interval(), run(seed=1), spd.PINN(**SMALL)),
        untrained(interval(), run(size=0.5, seed=2), spd.PINN(**SMALL | {"width": 12})),
        untrained(interval(), run(size=2.0, warnings=["Raise <steps>."]), spd.PINN(**SMALL, network="modified")),
    ]
    with tempfile.TemporaryDirectory() as folder:
        page = write_comparison(
            list(zip(("runs/one", "runs/two", "three"), solutions, strict=True)), f"{folder}/c.html"
        )
        return page.read_text(), solutions


def page_of(folder, *solutions):
    named = [(f"run{k}", solution) for k, solution in enumerate(solutions)]
    return Page(write_comparison(named, folder / "c.html").read_text())


def test_the_page_needs_no_network():
    page = Page(compared()[0])
    assert page.references
    assert all(reference.startswith("data:image/") for reference in page.references)
    assert not {"script", "link", "iframe"} & set(page.tags)


def test_every_run_is_named_with_its_verdict_and_its_warnings():
    text = Page(compared()[0]).text
    for letter, place in (("A", "runs/one"), ("B", "runs/two"), ("C", "three")):
        assert re.search(rf"{letter} {place} interval by [\w-]+ Relative L2 error", text)
    assert text.index("Warning: Raise <steps>.") < text.index("What differs")
    assert text.startswith("interval: 3 runs interval: 3 runs interval The runs")


def test_only_settings_that_differ_are_listed():
    text = Page(compared()[0]).text
    differing = text[text.index("What differs") : text.index("All other settings")]
    assert "seed 1 2 0" in differing
    assert "width 8 12 8" in differing
    assert "network mlp mlp modified" in differing
    for same in ("steps", "hidden_layers", "points", "precision"):
        assert f" {same} " not in differing


def test_results_and_cost_of_all_runs_stand_beside_each_other():
    written, solutions = compared()
    text = Page(written).text
    errors = " ".join(number(0.0123 * size) for size in (1.0, 0.5, 2.0))
    assert f"relative L2 error of u {errors}" in text
    assert "training, seconds 3 1.5 6 " in text
    assert "total, seconds 6.5 5 9.5 " in text
    assert f"trained numbers {' '.join(number(s.size) for s in solutions)}" in text
    best = re.findall(r'class="number best">([^<]*)<', written)
    assert best == [number(0.0123 * 0.5), "5"], "the smallest error, and the fastest run"


def test_curves_show_all_runs():
    written, _ = compared()
    alts = re.findall(r'alt="([^"]*)"', written)
    assert alts[:2] == ["relative L2 error of u against training time", "loss against training time"]
    assert alts[2:] == ["u along x", "u absolute error along x"], "of a line, all runs are in one picture"


def test_pictures_of_a_plane_share_their_scales(tmp_path):
    def page(*solutions):
        written = write_comparison([("a", s) for s in solutions], tmp_path / "c.html").read_text()
        return re.findall(r'alt="([^"]*)"', written)

    solutions = [untrained(cauchy_riemann(), run(), spd.PINN(**SMALL | {"width": width})) for width in (6, 9)]
    pictures = [alt for alt in page(*solutions) if "between" in alt]
    titles, scales = zip(*(re.fullmatch(r"(.*), (between .*)", alt).groups() for alt in pictures), strict=True)
    assert titles == (
        "A: u computed",
        "B: u computed",
        "u reference",
        "A: log₁₀ of the error of u",
        "B: log₁₀ of the error of u",
    ), "v has no reference"
    assert len(set(scales[:3])) == 1
    assert len(set(scales[3:])) == 1
    # The scale of errors ends at the largest one.
    points = np.linspace(0, 1, 129)
    worst = max(np.abs(s.grid(x=points, y=points) - (points[:, None] ** 2 - points**2)).max() for s in solutions)
    assert float(scales[3].split()[-1]) == pytest.approx(np.log10(worst), abs=0.01)


def test_runs_without_a_reference_are_drawn_without_errors(tmp_path):
    page = page_of(tmp_path, untrained(square(), RunRecord()), untrained(square(), RunRecord()))
    assert len(page.images) == 2
    assert "Nothing: problem, method, settings and versions are the same." in page.text
    assert "best" not in page.text


def test_of_many_slices_some_are_shown(tmp_path):
    method = spd.SPINN(**SMALL, rank=2)
    page = page_of(tmp_path, untrained(six(), RunRecord(), method), untrained(six(), RunRecord(), method))
    assert len(page.images) == 2 * 2


def test_different_problems_are_compared_without_pictures(tmp_path):
    page = page_of(tmp_path, untrained(interval(), run()), untrained(square(), RunRecord()))
    assert "2 runs compared" in page.text
    assert "The runs are of different problems, so their fields are not drawn beside each other" in page.text
    assert "problem interval square" in page.text
    assert "relative L2 error of u 0.0123 –" in page.text
    assert len(page.images) == 2, "the curves"


def test_a_problem_is_the_same_whatever_it_is_called():
    def posed(right=1, **words):
        u, k = spd.unknown("u", x), spd.parameter("k", 2.0)
        return spd.Problem(spd.Interval(x, 0, 1), [k * u.diff(x, 2) + right], [spd.Dirichlet(u, 0)], **words)

    assert same_problem(posed(), posed(name="other", title="Another", citation="A. Author"))
    assert not same_problem(posed(), posed(right=2))
    u = spd.unknown("u", x)
    tables = [posed(reference={u: spd.GridReference({"x": np.linspace(0, 1, 3)}, values)}) for values in np.eye(3)]
    assert same_problem(tables[0], tables[0])
    assert not same_problem(tables[0], tables[1])


def test_of_one_name_but_posed_otherwise_the_page_says_so(tmp_path):
    def posed(k):
        u, rate = spd.unknown("u", x), spd.parameter("k", k)
        return spd.Problem(spd.Interval(x, 0, 1), [sympy.Eq(u.diff(x), rate * u)], name="growth")

    page = page_of(tmp_path, untrained(posed(1.0), RunRecord()), untrained(posed(2.5), RunRecord()))
    assert "different problems, although of one name" in page.text
    assert "k of the problem 1 2.5" in page.text


def test_runs_that_failed_are_compared_too(tmp_path):
    diverged = untrained(interval(), RunRecord(stopped_by="diverged", loss=float("nan")))
    page = page_of(tmp_path, diverged, untrained(interval(), run()))
    assert "diverged; this is the last finite state" in page.text
    assert "loss not a number 1" in page.text


def test_families_are_compared(tmp_path):
    k = spd.parameter("k", range=(1, 2))
    u = spd.unknown("u", x)
    problem = spd.Problem(spd.Interval(x, 0, 1), [u.diff(x, 2) + k], [spd.Dirichlet(u, 0)], name="family")
    solution = untrained(problem)
    assert len(page_of(tmp_path, solution, solution).images) == 2


# ----------------------------------------------------------------------------------------------------- the command


@pytest.fixture
def command(monkeypatch, capsys):
    """Run `spindle report`: its status, what it printed, and what it said."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["spindle", "report", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        return (stopped.value.code, *capsys.readouterr())

    return call


@pytest.fixture(scope="module")
def directories(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [solution.save(folder / name) for name, solution in zip(("one", "two"), compared()[1], strict=False)]


def test_several_directories_are_one_page(command, directories, tmp_path):
    status, out, _ = command(*directories)
    page = directories[0].parent / "comparison.html"
    assert (status, out.split()) == (0, [str(page)])
    assert f"A {directories[0]} interval by pinn" in Page(page.read_text()).text
    assert not (directories[0] / "report.html").exists()
    _, out, _ = command(*directories, "--out", tmp_path / "new" / "page.html")
    assert (tmp_path / "new" / "page.html").read_text() == page.read_text()
    command(*directories, "--out", tmp_path)
    assert (tmp_path / "comparison.html").exists(), "a folder is a place for the page"


def test_one_directory_is_a_report(command, directories, tmp_path):
    _, out, _ = command(directories[0])
    assert out.split() == [str(directories[0] / "report.html")]
    command(directories[0], "--out", tmp_path / "r.html")
    assert "interval" in Page((tmp_path / "r.html").read_text()).text


def test_a_directory_that_is_no_run_is_refused(command, directories, tmp_path):
    status, out, said = command(directories[0], tmp_path / "none")
    assert (status, out) == (2, "")
    assert f"{tmp_path / 'none'} is no run directory" in " ".join(said.split())


# --------------------------------------------------------------------------------------------------- in a browser


@pytest.mark.parametrize("width", [1280, 420])
def test_the_page_is_as_wide_as_the_window_in_a_browser(tmp_path, width):
    browser = pytest.importorskip("tests.report.browser", reason="tornado is not installed", exc_type=ImportError)
    if browser.CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    path = tmp_path / "c.html"
    path.write_text(compared()[0])

    async def use(tab):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        await tab.call("Emulation.setDeviceMetricsOverride", **size)
        await tab.until("document.readyState === 'complete'")
        assert await tab.value("document.documentElement.scrollWidth") <= width

    asyncio.run(browser.visited(tmp_path / "profile", path.as_uri(), use))
