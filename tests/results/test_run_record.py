"""Records of a run: nothing in them changes, they read like the tables they are stored as, and come back the same."""

import dataclasses
import json

import pytest

from spindle.results.run_record import RUN, RunRecord
from spindle.storage.records import ClassicalComparison, ErrorEstimate, Grown, Reached, WindowRecord, check
from spindle.training.history import Clock, History, HistoryEntry
from spindle.training.stop_reasons import StopReason

MEASURES = {"u": {"rel_l2": 0.1, "rmse": 0.2, "max": 0.3}}
WINDOW = WindowRecord(begins=0.0, ends=0.5, steps=3, loss=1e-3, seconds=2.0, errors=MEASURES, seam={"u": None})
RECORDS = [
    Grown(1, {"widths": [4, 4]}, "more", 0.5),
    ClassicalComparison(errors=MEASURES, distance={"u": 0.1}, seconds=1.0, steps=1),
    ClassicalComparison(reason="there are too many nodes"),
    Reached("t", 0.5, 1.0),
    WINDOW,
    ErrorEstimate(errors={"u": 0.1}, left=0.4, bound=True, upper={"u": 0.2}, seconds=1.0),
    ErrorEstimate(),
    ErrorEstimate(errors={"u": 0.1}, left=0.0, bound=False, comparison_error=1e-8, by="integration", seconds=1.0),
]
RUNS = [
    RunRecord(),
    RunRecord(
        seed=2, stopped_by="budget", loss=0.25, warnings=("a doubt",), errors=MEASURES, grown=(RECORDS[0],),
        classical=RECORDS[1], windows=(WINDOW,), averages={"t": [0.0, 1.0]}, reached=RECORDS[3],
        error_estimate=RECORDS[5], history=History([HistoryEntry(1, "Adam", 0.1, 0.5)]), seconds=Clock(1.0, 2.0),
    ),
]  # fmt: skip


@pytest.mark.parametrize("record", [*RECORDS, *RUNS], ids=lambda record: type(record).__name__)
def test_nothing_in_a_record_changes(record):
    for field in dataclasses.fields(record):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, field.name, None)


@pytest.mark.parametrize("record", RECORDS, ids=repr)
def test_a_record_reads_like_its_table(record):
    table = json.loads(json.dumps(dict(record)))
    assert record == table and len(record) == len(table)
    assert {key: record[key] for key in record} == table
    assert type(record).from_data(table) == record
    assert type(record).is_data(table) == bool(table), "where all is missing, something is"
    for key in table:
        assert not type(record).is_data(table | {key: None}), key
        assert not type(record).is_data(table | {key: [object()]}) or isinstance(record, Grown), key


def test_a_window_is_stored_between_words_that_python_has_taken():
    assert list(WINDOW) == ["from", "to", "steps", "loss", "seconds", "errors", "seam"]
    assert (WINDOW["from"], WINDOW.begins, WINDOW.get("parts")) == (0.0, 0.0, None)


def test_the_error_of_what_was_compared_has_its_old_name_in_tables_and_with_a_warning():
    estimate = RECORDS[-1]
    assert estimate["own"] == estimate.comparison_error == 1e-8
    with pytest.warns(DeprecationWarning, match=r"`ErrorEstimate.own` is called `comparison_error` now"):
        assert estimate.own == 1e-8


@pytest.mark.parametrize("run", RUNS, ids=["empty", "full"])
def test_the_record_of_a_run_comes_back_as_it_was(run):
    table = json.loads(json.dumps(run.to_data()))
    seconds = Clock(**table.pop("seconds"))
    check(table, RUN)
    read = RunRecord.from_data(table, seconds, run.history)
    assert repr(read) == repr(run)
    assert {type(w) for w in read.windows} <= {WindowRecord}


def test_a_number_without_a_name_is_refused():
    with pytest.raises(TypeError, match="nonsense"):
        RunRecord.from_data({"nonsense": 1}, Clock(), History())


@pytest.mark.parametrize("word", ["steps", "converged", "target", "budget", "interrupted", "diverged", ""])
def test_reasons_to_stop_are_the_words_that_files_have_for_them(word):
    reason = RunRecord(stopped_by=word).stopped_by
    assert isinstance(reason, StopReason)
    assert reason == word and f"{reason}" == word and json.dumps(reason) == json.dumps(word)
    assert reason.sentence
    assert not (reason.ended and reason.resumes)
    assert reason.ended == (word in ("steps", "converged", "target"))
    assert bool(reason.doubt) == (word in ("budget", "interrupted", "diverged"))


def test_a_run_ends_for_no_other_reason():
    with pytest.raises(ValueError, match="weather"):
        RunRecord(stopped_by="weather")
