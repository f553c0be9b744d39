"""The report: complete, readable offline, with the solution's own numbers, for every kind of problem."""

import base64
import html
import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import jax
import matplotlib
import numpy as np
import pytest
import sympy

import spindle as spd
from spindle.gallery.registry import gallery
from spindle.problem.formulas import formulas
from spindle.report.figures import through_largest_error, training_pictures
from spindle.report.html import number, to_the_end, verdict, write_report
from spindle.report.means import means
from spindle.report.slices import Sample, Slice, choose_slices, sample_slice
from spindle.results.directory import to_json
from spindle.results.run_record import RunRecord
from spindle.storage.records import WindowRecord
from spindle.training.history import Clock, History, HistoryEntry
from tests.report.pages import (
    CASES,
    MOVING,
    Page,
    heat,
    interval,
    page_of,
    plain,
    recorded,
    solved,
    square,
    written,
    x,
    y,
)
from tests.solutions import SMALL, untrained


@pytest.mark.parametrize("name", CASES)
def test_report_is_complete_and_needs_no_network(name):
    solution, page, (_, _, of_fields, of_training) = solved(name), Page(written(name)), CASES[name]
    assert len(page.images) == of_fields + of_training
    assert all(reference.startswith("data:") for reference in page.references)
    assert not {"link", "iframe"} & set(page.tags)
    assert ("script" in page.tags) == (name in MOVING)
    assert "math" in page.tags
    assert "code" not in page.tags, "a formula fell back to plain text"
    for measure in solution.run.errors.values():
        assert all(number(value) in page.text for value in measure.values())
    for residual, value in solution.run.residuals.items():
        assert f"{residual} {number(value)}" in page.text
    for part in ("setup", "compile", "train", "evaluate", "total"):
        assert number(solution.run.seconds.as_dict()[part]) in page.text
    for setting in solution.plan.settings.as_dict():
        assert setting in page.text
    assert verdict(solution) in page.text


@pytest.mark.parametrize("name", CASES)
def test_pictures_are_self_contained_drawings(name):
    for image in (i for i in Page(written(name)).images if not i.startswith("data:image/png;base64,")):
        svg = base64.b64decode(image.removeprefix("data:image/svg+xml;base64,")).decode()
        ElementTree.fromstring(svg)
        assert "prefers-color-scheme: dark" in svg
        links = re.findall(r'(?:href|src)="([^"]*)"', svg)
        assert all(link.startswith(("#", "data:")) for link in links)


def test_a_run_that_is_read_again_shows_what_was_set_by_hand(tmp_path):
    solution = solved("interval")
    again = spd.load(solution.save(tmp_path / "run"))
    assert again.method == solution.method
    assert again.method.chosen == SMALL
    page = write_report(again, tmp_path / "page.html").read_text(encoding="utf-8")
    by_hand = page[page.index("<h3>Set by hand</h3>") : page.index("<details><summary>All other settings")]
    assert re.findall("<dt>(.*?)</dt>", by_hand) == [n for n in again.plan.settings.as_dict() if n in SMALL]


def test_the_first_line_is_the_verdict_in_its_colour(tmp_path):
    page = written("interval")
    word = solved("interval").verdict.word
    colour = {"solved": "", "doubtful": " care", "not solved": " bad"}[word]
    assert re.search(f'<p class="verdict{colour}">{word.capitalize()}', page)


def test_the_curve_ends_where_training_did():
    entry = HistoryEntry(5, "Adam", 0.5, 1e-8, {"u": 0.5})
    run = RunRecord(iterations=9, loss=4.38e-4, history=History([entry]), errors={"u": {"rel_l2": 0.25}})
    last = to_the_end(run)[-1]
    assert (last.step, last.loss, last.errors) == (9, 4.38e-4, {"u": 0.25})
    assert to_the_end(replace(run, iterations=5)) == [entry]


def test_data_can_be_taken_away():
    files = dict(re.findall(r'download="(.*?)" href="data:.*?base64,(.*?)"', written("interval")))
    assert json.loads(base64.b64decode(files["record.json"])) == json.loads(to_json(solved("interval").record()))
    rows = base64.b64decode(files["training.csv"]).decode().splitlines()
    assert len(rows) == 1 + len(solved("interval").run.history)


def test_a_profile_goes_through_the_largest_error():
    """Along space: at the instant of the largest error where time is on the other axis."""
    nodes = (np.linspace(0, 1, 5), np.linspace(0, 2, 9))
    reference = np.zeros((9, 5))
    values = reference.copy()
    values[3, 2] = 1.0
    for shown, along, fixed in ((("t", "x"), "x", {"t": 0.5}), (("x", "y"), "x", {"y": 0.75})):
        line = through_largest_error(Sample(shown, nodes, values, reference, {"z": 0.1}), ["t"])
        assert line.shown == (along,) and line.fixed == {"z": 0.1} | fixed
        assert len(line.nodes[0]) == len(line.values) == len(line.reference) and line.values.max() == 1.0


def test_holes_are_cut_out_along_their_outline(tmp_path):
    """As a path of the drawing, not as missing pixels."""
    u = spd.unknown("u", *spd.coordinates("x y"))
    x, y = u.args
    domain = spd.Box({x: (-1, 1), y: (-1, 1)}) - spd.Disk({x: 0, y: 0}, 0.5)
    solution = untrained(spd.Problem(domain, [spd.laplacian(u)], [spd.Dirichlet(u, 1)], name="hole"))
    page = page_of(solution, tmp_path / "page.html")
    svg = next(base64.b64decode(i.removeprefix("data:image/svg+xml;base64,")).decode() for i in page.images)
    assert len(re.findall("<clipPath", svg)) >= 1
    longest = max(re.findall(r'<path d="([^"]*)"', svg), key=len)
    assert longest.count("L") > 40


def test_slices_of_helmholtz_avoid_nodal_planes():
    slices = choose_slices(solved("helmholtz"))
    assert [s.shown for s in slices] == [("x", "y"), ("x", "z"), ("y", "z")]
    waves = {"x": 4, "y": 4, "z": 3}
    for piece in slices:
        ((axis, value),) = piece.fixed.items()
        assert abs(np.sin(waves[axis] * np.pi * value)) > 0.95


def test_slices_in_time_show_the_axes_of_largest_variation():
    slices = choose_slices(solved("wave"))
    assert [s.shown for s in slices] == [("x", "z")] * 4
    assert [s.fixed["t"] for s in slices] == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert len({s.fixed["y"] for s in slices}) == 1


def test_slices_of_six_coordinates_fix_four():
    for piece in choose_slices(solved("six")):
        assert len(piece.shown) == 2
        assert len(piece.fixed) == 4
        assert all(0 <= value <= 1 for value in piece.fixed.values())


def test_sample_holds_the_solution_and_nothing_outside_the_domain():
    solution = solved("lshape")
    sample = sample_slice(solution, solution.problem.unknowns[0], *choose_slices(solution))
    outside = (sample.nodes[0] > 1e-6) & (sample.nodes[1] > 1e-6)[:, None]
    assert np.isnan(sample.values[outside]).all()
    assert np.isfinite(sample.values[~outside]).all()
    x_node, y_node = sample.nodes[0][5], sample.nodes[1][30]
    assert sample.values[30, 5] == pytest.approx(float(solution(x=x_node, y=y_node)))
    assert sample.reference[30, 5] == pytest.approx(x_node * y_node)


def test_tabulated_reference_is_drawn_on_its_own_nodes():
    solution = solved("heat")
    (u,), (table,) = solution.problem.unknowns, solution.problem.reference.values()
    sample = sample_slice(solution, u, *choose_slices(solution))
    assert sample.shown == ("t", "x")
    np.testing.assert_array_equal(sample.reference, table.values)
    np.testing.assert_allclose(sample.values, solution.grid(u, **table.axes))
    line = sample_slice(solution, u, Slice(("x",), {"t": 0.0337}))
    assert line.fixed["t"] == pytest.approx(0.03)


def test_errors_name_their_reference():
    assert "Fourier series; its own relative error about 1.00e-12" in Page(written("heat")).text
    assert "closed form" in Page(written("wave")).text


def test_hostile_words_are_escaped(tmp_path):
    hostile = "<script>alert(1)</script>"
    u, rate = spd.unknown("u", x), spd.parameter("<b>", 2.0)
    problem = spd.Problem(
        domain=spd.Interval(x, 0, 1),
        equations={f"equation {hostile}": u.diff(x) - rate * u},
        title=hostile,
        citation=hostile,
        notes=hostile,
    )
    run = RunRecord(stopped_by="steps", residuals={hostile: 1.0}, versions={hostile: hostile}, device=hostile)
    written = write_report(untrained(problem, run), tmp_path / "r.html", command=f"spindle solve {hostile}").read_text()
    assert hostile not in written
    assert html.escape(hostile) in written
    assert not {"script", "b"} & set(Page(written).tags)


@pytest.mark.parametrize("stopped_by", ["interrupted", "diverged"])
def test_run_without_history_is_reported(stopped_by, tmp_path):
    page = page_of(recorded(interval, stopped_by=stopped_by), tmp_path / "r.html")
    assert len(page.images) == 2
    assert "Training ended before anything was recorded." in page.text
    assert f"Error not measured; 0 seconds, 0 steps; {stopped_by}" in page.text


def test_values_that_are_not_finite_do_not_stop_the_report(tmp_path):
    solution = recorded(square, stopped_by="diverged", history=History([HistoryEntry(1, "Adam", 0.1, np.inf)]))
    solution = solution.with_model(jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), solution.model))
    assert len(page_of(solution, tmp_path / "r.html").images) == 1


def test_training_pictures_survive_odd_records():
    records = [
        HistoryEntry(1, "Adam", 0.0, 1.0),
        HistoryEntry(2, "Adam", 0.1, 0.0, {"u": 0.0}),
        HistoryEntry(5, "L-BFGS", 0.2, 1e-9),
    ]
    assert len(training_pictures(History(records))) == 2
    assert training_pictures(History()) == []
    several = [HistoryEntry(k, "Adam", 0.1 * k, 1.0 / k, {"u": 1.0 / k, "_v$": 2.0 / k}) for k in (1, 2, 50)]
    assert len(training_pictures(History(several))) == 3
    estimating = [replace(record, estimated={"k": -0.5}) for record in several]
    assert "estimated parameters" in training_pictures(History(estimating))[-1].alt


def test_verdict_reads_as_one_line():
    numbers = {
        "iterations": 3000,
        "stopped_by": "steps",
        "errors": {"u": {"rel_l2": 1.234e-5, "rmse": 1.0, "max": 1.0}},
        "seconds": Clock(1.0, 2.0, 30.0, 4.0),
    }
    assert verdict(recorded(interval, **numbers)) == (
        "Relative L2 error 1.23e-05 for u; 37 seconds, 3,000 steps; all steps done."
    )
    assert verdict(plain(square)).startswith("No reference to compare with")
    zero = {"rel_l2": None, "rmse": 0.25, "max": 0.5}
    assert verdict(recorded(square, errors={"u": zero})).startswith(
        "Absolute error 0.25 for u, whose reference is zero; "
    )
    mixed = verdict(recorded(square, errors={"u": zero, "v": zero | {"rel_l2": 0.5}}))
    assert mixed.startswith("Relative L2 error 0.5 for v, absolute error 0.25 for u, whose reference is zero; ")


def test_warnings_come_before_the_problem(tmp_path):
    page = page_of(recorded(square, warnings=["Raise <steps>.", "Lower `rank`."]), tmp_path / "r.html")
    assert 0 < page.text.index("Warnings Raise <steps>. Lower `rank`.") < page.text.index("The problem")
    assert "Warning" not in Page(written("square")).text


def test_windows_are_a_table(tmp_path):
    measures = {"u": {"rel_l2": 0.0123, "rmse": 1.0, "max": 2.0}, "v": {"rel_l2": None, "rmse": 0.5, "max": 0.5}}
    first = {"from": 0.0, "to": 0.5, "steps": 40, "loss": 1e-5, "seconds": 7.25, "errors": measures, "seam": {}}
    second = first | {"from": 0.5, "to": 1.0, "steps": 1234, "seam": {"u": 0.0456, "v": None}}
    page = page_of(recorded(square, windows=tuple(map(WindowRecord.from_data, (first, second)))), tmp_path / "r.html")
    assert "relative L2 error jump at its start from to steps seconds loss u v u v" in page.text
    assert "0 0.5 40 7.25 1.00e-05 0.0123 – – – 0.5 1 1,234 7.25 1.00e-05 0.0123 – 0.0456 –" in page.text
    assert "Windows in time" not in Page(written("square")).text


def test_means_over_space_show_what_drifts(tmp_path):
    solution = recorded(heat, averages={"t": [0, 1, 2], "u": [4.0, 3.0, 3.5], "flux": [0.0, 0.0, 0.0]})
    page = page_of(solution, tmp_path / "r.html")
    assert "u: relative drift 0.25" in page.text, "(4 - 3) / 4"
    assert "Zero at all times, up to: flux 0." in page.text
    assert len(page.images) == 3 + 1 + 1  # panels, profile, mean
    # Without time, numbers.
    solution = recorded(square, averages={"u": [0.25], "power": [-3.5]})
    page = page_of(solution, tmp_path / "r.html")
    assert "Over the whole domain: u 0.25, power -3.5." in page.text
    assert len(page.images) == 1


def test_a_mean_that_stays_is_drawn_level():
    size = {"u": [Sample(("x",), (np.linspace(0, 1, 3),), np.array([0.0, 30.0, -20.0]), None, {})]}
    stays, noise = means({"t": [0, 1], "u": [2.0, 2.0 + 1e-9], "w": [1e-9, -3e-9]}, size | {"w": size["u"]})
    assert stays.drift == pytest.approx(5e-10)
    assert not stays.nothing
    assert (noise.nothing, noise.value, noise.drift, noise.picture) == (True, 3e-9, None, None)


def test_all_seconds_have_a_part(tmp_path):
    page = page_of(recorded(square, seconds=Clock(1.0, 2.0, 3.0, 4.0, 10.0)), tmp_path / "r.html")
    assert "evaluation 4 20 % reduction 10 50 % total 20" in page.text


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.0, "0"),
        (0.01234, "0.0123"),
        (1.234e-5, "1.23e-05"),
        (-61.66, "-61.7"),
        (999.9, "1,000"),
        (12345.6, "12,346"),
        (1e7, "1.00e+07"),
        (50000, "50,000"),
        (float("nan"), "not a number"),
        (float("inf"), "infinite"),
        (None, "None"),
    ],
)
def test_number(value, printed):
    assert number(value) == printed


def test_report_shows_how_to_reproduce_the_run(tmp_path):
    solution = solved("interval")
    alone = page_of(solution, tmp_path / "new" / "folder" / "r.html", command="spindle solve interval --seed 0").text
    assert "spindle solve interval --seed 0" in alone
    assert (
        "spd.solve(problem, spd.PINN(steps=5, lbfgs_steps=0, width=8, hidden_layers=1, points=4, balance=0), seed=0)"
        in alone
    )
    directory = solution.save(tmp_path / "run")
    page = page_of(solution, directory / "report.html").text
    assert f"spd.load({str(directory)!r})" in page
    assert "To read the solution in Python, without computing it again:" in page
    assert "On the command line" not in page


def test_report_is_the_same_each_time_and_leaves_settings_alone(tmp_path):
    before = dict(matplotlib.rcParams)
    first = write_report(solved("interval"), tmp_path / "r.html")
    assert first == tmp_path / "r.html"
    content = first.read_bytes()
    with matplotlib.rc_context({"font.size": 20, "text.color": "red"}):
        assert write_report(solved("interval"), tmp_path / "r.html").read_bytes() == content
    assert dict(matplotlib.rcParams) == before
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


@pytest.mark.parametrize(
    "name", ["helmholtz3d", "klein_gordon4d", "diffusion6d", "flow_mixing3d", "poisson2d", "convection"]
)
def test_gallery_problems_have_formulas(name):
    parts = formulas(gallery(name))
    for line in (line for lines in parts.values() for line in lines):
        ElementTree.fromstring(f"<line>{line}</line>")
        assert "<code>" not in line
    assert {"find", "in", "such that"} <= set(parts)


def test_formulas_are_in_the_notation_of_the_papers():
    u, v = spd.unknown("u v_x", x, y)
    step = sympy.Piecewise((1, x < 0.5), (x, True))
    problem = spd.Problem(
        domain=spd.Box({x: (0, 1), y: (0, sympy.pi)}),
        equations=[u.diff(x, 2) + step * sympy.sin(x) ** 2, v.diff(y) - u],
        conditions=[spd.Neumann(u - v, 0, on="x=1")],
    )
    parts = formulas(problem)
    assert "<msub><mi>u</mi><mrow><mi>x</mi><mi>x</mi></mrow></msub>" in parts["such that"][0]
    assert "<msup><mi>sin</mi><mn>2</mn></msup>" in parts["such that"][0]
    assert "<mo>(</mo><msub><mi>v</mi><mi>x</mi></msub><mo>)</mo>" in parts["such that"][1]
    assert "<mtext>otherwise</mtext>" in parts["where"][0]
    assert "&lt;" in parts["where"][0]
    assert "<mi>π</mi>" in parts["in"][0]
    assert parts["with"][0].startswith('<math displaystyle="true"><mrow><mfrac>')
    assert parts["with"][0].endswith("on x=1")


def test_formula_without_mathml_is_plain_text(monkeypatch):
    def fail(self, expr):
        raise NotImplementedError

    monkeypatch.setattr("spindle.problem.formulas._MathML._print_Derivative", fail)
    assert formulas(square())["such that"] == ["<code>u_xx + u_yy + 1 = 0</code>"]
