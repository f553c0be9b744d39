"""Published figures cell by cell: what is run in the seconds that there are, what is kept, what the pages say."""

import dataclasses
import json
import math
import time
from types import SimpleNamespace

import numpy as np
import pytest

import spindle as spd
from spindle.gallery.registry import gallery
from spindle.reproduction import nodes, operations
from spindle.reproduction.figure import Cell, Figure, FigureRow, Measured, NotMeasured
from spindle.reproduction.page import heading, lines, write_figure
from spindle.reproduction.registry import ALL, FIGURES, chosen
from spindle.reproduction.run import FULL, _shares, measure
from spindle.reproduction.store import Store
from spindle.reproduction.training import run, trained
from spindle.training.precision import precision
from spindle.training.stop_reasons import StopReason

CELLS = {cell.name: cell for figure in FIGURES.values() for cell in figure.cells}


def figure_of(cells):
    return Figure("T1", "A test", "nowhere", ("error",), cells, lambda canvas, rows: None)


def cell(name, gives=None, least=1.0, most=math.inf, model="a", size=1.0):
    """A cell that takes no time and remembers what it was allowed."""
    allowed = []

    def run(seconds):
        allowed.append(seconds)
        if isinstance(gives, Exception):
            raise gives
        return gives or Measured({"error": 0.5})

    return Cell(name, model, size, run, {"error": 0.25}, overhead=least, most=most), allowed


def test_every_published_number_has_a_column_and_cells_of_one_name_are_one_cell():
    for figure in FIGURES.values():
        assert {column for c in figure.cells for column in c.published} <= set(figure.columns), figure.name
    for figure in FIGURES.values():
        for c in figure.cells:
            same = CELLS[c.name]
            assert (same.model, same.size) == (c.model, c.size), figure.name


def test_the_files_of_cells_differ(tmp_path):
    store = Store(tmp_path)
    for c in CELLS.values():
        store.write(FigureRow(c, Measured({"error": 1.0})))
    assert len(list(tmp_path.rglob("*.json"))) == len(CELLS)


@pytest.mark.parametrize("seconds", [3.0, 20.0, 50.0, 3600.0])
@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_shares_stay_within_the_seconds_and_give_each_cell_what_it_needs(figure, seconds):
    shares = _shares(figure.cells, seconds)
    assert sum(shares.values()) <= seconds * (1 + 1e-9)
    for c in figure.cells:
        assert c.name not in shares or c.least <= shares[c.name] <= c.most
    assert set(_shares(figure.cells, FULL)) == {c.name for c in figure.cells}


def test_the_smallest_of_each_model_come_first():
    cells = [cell(f"{model} {n}", least=float(n), model=model)[0] for model in "ab" for n in (1, 2, 30)]
    assert set(_shares(cells, 7.0)) == {"a 1", "a 2", "b 1", "b 2"}
    assert set(_shares(cells, 3.0)) == {"a 1", "b 1"}


def test_a_cell_is_measured_once_and_again_only_with_more_time(tmp_path):
    share = Measured({"error": 0.5}, taken=10, of=100)
    one, allowed = cell("one", share)
    figure, store = figure_of([one]), Store(tmp_path)
    for seconds, runs in ((10.0, 1), (10.0, 1), (5.0, 1), (40.0, 2)):
        (row,) = measure(figure, seconds, store, lambda line: None)
        assert len(allowed) == runs
        assert row.measured == share
        assert row.share == 0.1
    done, allowed = cell("done", Measured({"error": 0.5}, taken=100, of=100))
    for seconds in (10.0, 100.0):
        measure(figure_of([done]), seconds, store, lambda line: None)
    assert len(allowed) == 1


def test_what_cannot_be_measured_says_why_and_loses_nothing_else(tmp_path):
    bad, _ = cell("bad", NotMeasured("compiling took 9 s"), size=2.0)
    good, _ = cell("good")
    late, allowed = cell("late", least=1e6)
    figure = figure_of([bad, good, late])
    rows = measure(figure, 10.0, Store(tmp_path), lambda line: None)
    assert [row.missing for row in rows] == [
        "compiling took 9 s",
        "",
        "not run: 1000000 s at least, of 10 for the whole figure",
    ]
    assert not allowed
    table = [dict(zip(heading(figure), line, strict=True)) for line in lines(figure, rows)]
    assert table[1]["ratio"] == "2"
    page = write_figure(figure, rows, tmp_path)
    assert "compiling took 9 s" in page.read_text()
    stored = json.loads((tmp_path / "T1.json").read_text())
    assert [row["measured"] is None for row in stored] == [True, False, True]


def test_seconds_that_a_cell_leaves_go_to_the_next(tmp_path):
    first, _ = cell("first")
    second, allowed = cell("second")
    measure(figure_of([first, second]), 10.0, Store(tmp_path), lambda line: None)
    assert allowed[0] == pytest.approx(10.0, abs=0.5)


def test_rows_of_another_device_are_shown_and_never_taken_for_ours(tmp_path):
    one, _ = cell("one")
    store = Store(tmp_path)
    store.device = "NVIDIA H100"
    store.write(FigureRow(one, Measured({"error": 0.1}), device=store.device))
    here = Store(tmp_path)
    assert here.read(one) is None
    (other,) = here.elsewhere(one)
    assert (other.device, other.value("error")) == ("NVIDIA H100", 0.1)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"measured": 3}', '{"measured": {"values": 1}}'])
def test_a_file_that_is_no_row_is_measured_again(tmp_path, content):
    one, allowed = cell("one")
    figure, store = figure_of([one]), Store(tmp_path)
    measure(figure, 10.0, store, lambda line: None)
    (path,) = tmp_path.rglob("one.json")
    path.write_text(content)
    measure(figure, 10.0, store, lambda line: None)
    assert len(allowed) == 2


def test_a_row_is_read_as_it_was_written(tmp_path):
    one, _ = cell("one")
    row = FigureRow(
        one, Measured({"a": 1.0, "b": math.nan}, 3, 4, ((1.0, 2.0),), "so"), "", 5.0, 6.0, Store(tmp_path).device
    )
    Store(tmp_path).write(row)
    again = Store(tmp_path).read(one)
    assert math.isnan(again.measured.values["b"])
    assert dataclasses.replace(again.measured, values={}) == dataclasses.replace(row.measured, values={})
    assert dataclasses.replace(again, measured=None) == dataclasses.replace(row, measured=None)


def test_operations_of_a_plain_network_are_those_of_its_matrices():
    """2 (3 w + 3 w^2 + w) a point for four hidden layers of width w, and their biases; tanh is counted apart."""
    points, w = 64**3, 128
    products = 2 * points * (3 * w + 3 * w**2 + w) / 1e6
    counted = operations.counted("PINN", 0, "forward", 10.0).values[operations.MFLOP]
    assert products <= counted <= 1.05 * products


def test_separated_networks_cost_their_merge():
    """One network an axis on 64 points is next to nothing; the merge is 2 r (n^2 + n^3)."""
    n, rank = 64, 32
    merge = (rank * n**2 + 2 * rank * n**3) / 1e6
    counted = operations.counted("SPINN", 0, "forward", 10.0).values[operations.MFLOP]
    assert merge <= counted <= 1.4 * merge


def test_ratios_are_of_the_rows():
    rows = [
        FigureRow(CELLS[f"helmholtz3d {model} {n}"], Measured({"ms a step": ms, "MB": mb, "relative L2": 1.0}))
        for model, n, ms, mb in (("PINN-mod", 16, 80.0, 500.0), ("SPINN-mod", 16, 2.0, 10.0))
    ]
    said = operations.ratios(rows)
    assert "Helmholtz, 16^3 points each: 40 times faster a step, 50 times less memory" in said
    assert "Helmholtz, 32^3 points each: not measured on both sides" in said


def test_speed_ups_are_seconds_to_the_least_errors():
    rows = [
        FigureRow(CELLS[f"poisson_disk {model} 582"], Measured({nodes.LEAST: error, nodes.LEAST_AFTER: seconds}))
        for model, error, seconds in (("DT-PINN fp64, p = 3", 2e-4, 3.0), ("PINN fp32", 1e-4, 12.0))
    ]
    assert nodes.speedups(rows) == [
        "poisson_disk DT-PINN fp64, p = 3 582: 4.0 times faster to its least error, 2.0e-04 against 1.0e-04"
    ]


def test_random_networks_hold_the_same_numbers_in_both_precisions():
    for depth in (1, 10):
        with precision("float64"):
            single, double = (nodes._exact(depth, dtype)[1] for dtype in ("float32", "float64"))
            assert double.layers[0].weight.dtype == "float64"
        for a, b in zip(single.layers, double.layers, strict=True):
            np.testing.assert_array_equal(np.asarray(a.weight, float), np.asarray(b.weight, float))


def test_all_are_chosen_in_order():
    assert [figure.name for figure in chosen(ALL)] == list(FIGURES)
    assert chosen("d3")[0].name == "D3"


def test_training_ends_within_its_seconds_and_says_the_share():
    """A line of three coordinates, cheap enough for a test: its share of the steps follows the clock."""
    began = time.perf_counter()
    measured = trained(
        gallery("poisson2d"),
        lambda steps: spd.SPINN(recipe="paper", network="mlp", points=8, width=8, rank=2, hidden_layers=1, steps=steps),
        of=40,
        allowed=30.0,
    )
    assert time.perf_counter() - began < 60
    assert measured.taken == 40
    assert measured.values["least relative L2"] <= measured.values["relative L2"]
    assert measured.values["MB"] > 0


def test_ctrl_c_ends_all_cells_and_keeps_the_rows(tmp_path, monkeypatch):
    def stopped(*_, **__):
        return SimpleNamespace(run=SimpleNamespace(stopped_by=StopReason.INTERRUPTED))

    monkeypatch.setattr("spindle.reproduction.training.compute", stopped)
    first, _ = cell("first")
    second = Cell("second", "a", 2.0, lambda seconds: run(None, None, seconds=seconds))
    third, allowed = cell("third", size=3.0)
    with pytest.raises(KeyboardInterrupt):
        measure(figure_of([first, second, third]), 100.0, Store(tmp_path), lambda line: None)
    assert [path.stem for path in tmp_path.rglob("*.json")] == ["first"]
    assert not allowed
