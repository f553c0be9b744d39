"""Callbacks: what they see, how they end a run, and that what they raise loses nothing."""

from dataclasses import replace

import numpy as np
import pytest
from sympy import exp

import spindle as spd
from spindle.training.history import HistoryEntry
from spindle.training.watching import Watchers

t = spd.coordinates("t")
f = spd.unknown("f", t)
k = spd.parameter("k", 1.0, unknown=True)
TIMES = np.linspace(0, 1, 9)
DECAY = spd.Problem(
    spd.Interval(t, 0, 1),
    [f.diff(t) + k * f],
    [spd.Initial(f, 1), spd.Observed(f, {t: TIMES}, np.exp(-2 * TIMES), noise=0.01)],
    reference={f: exp(-2 * t)},
    name="decay",
)
METHOD = spd.PINN(points=8, width=4, hidden_layers=1, steps=40, lbfgs_steps=0)


def solve(**options):
    return spd.solve(DECAY, METHOD, progress=False, **options)


@pytest.fixture(scope="module")
def whole():
    return solve()


def test_a_callback_sees_the_run_and_ends_it(whole):
    seen = []

    def watch(moment, total):
        seen.append((moment, moment.solution(t=0.5), moment.solution, dict(moment.parts), dict(moment.parameters)))
        return moment.step >= 5

    solution = solve(callbacks=[watch])
    assert solution.run.stopped_by == "callback"
    assert 5 <= solution.run.iterations < 40
    assert "a callback ended training" in solution.verdict.reasons
    moment, value, kept, parts, parameters = seen[-1]
    assert kept(t=0.5) == value, "a solution that was looked at stays"
    assert kept.run.iterations == moment.step
    assert parameters == pytest.approx(kept.parameters)
    assert solution(t=0.5) == value
    assert set(parts) == {"equation", "observed f"}
    assert sum(parts.values()) == pytest.approx(solution.run.loss, rel=1e-9)
    assert {look.estimated["k"] for look in solution.run.history} <= {p["k"] for *_, p in seen}


def test_to_look_too_late_is_refused():
    kept = []
    watchers = Watchers([lambda moment, total: kept.append(moment)], lambda model, entry: "a solution")
    watchers.tell(HistoryEntry(3, "Adam", 0.0, 1.0), 4, lambda: None)
    with pytest.raises(spd.MethodError, match=r"after it had returned.*look at `moment.solution` within"):
        _ = kept[0].solution


def test_an_exception_loses_nothing(whole, tmp_path):
    def fail(moment, total):
        if moment.step >= 10:
            raise ValueError("of the user")

    with pytest.raises(ValueError, match="of the user") as caught:
        solve(callbacks=[fail], out=tmp_path / "run")
    kept = caught.value.solution
    assert 10 <= kept.run.iterations < 40
    assert spd.load(tmp_path / "run")(t=0.3) == kept(t=0.3)
    resumed = spd.resume(tmp_path / "run", progress=False)
    assert resumed(t=0.3) == whole(t=0.3)
    assert resumed.record()["estimates"]["k"][-1] == (40, resumed.parameters["k"])
    assert [look.estimated for look in resumed.run.history] == [look.estimated for look in whole.run.history]


@pytest.mark.slow
def test_windows_keep_what_was_solved():
    def fail(moment, total):
        if moment.solution.problem.domain.bounds[0][0] > 0 and moment.step >= 10:
            raise ValueError("of the user")

    line = spd.Problem(spd.Interval(t, 0, 1), [f.diff(t) + f], [spd.Initial(f, 1)], name="decay of a known rate")
    with pytest.raises(ValueError, match="of the user") as caught:
        spd.solve(line, replace(METHOD, windows=3), progress=False, callbacks=[fail])
    assert len(caught.value.solution.windows) == 2


@pytest.mark.parametrize(
    ("answer", "ends"),
    [(True, True), (np.bool_(True), True), (np.bool_(False), False), (None, False), (3, False), ([1], False)],
)
def test_true_of_any_library_ends_a_run(answer, ends):
    watchers = Watchers([lambda moment, total: answer])
    watchers.tell(HistoryEntry(1, "Adam", 0.0, 1.0), 2, lambda: None)
    assert watchers.stop is ends


def test_a_lack_of_memory_is_not_the_callbacks():
    def fail(moment, total):
        raise MemoryError

    watchers = Watchers([fail])
    with pytest.raises(MemoryError):
        watchers.tell(HistoryEntry(1, "Adam", 0.0, 1.0), 2, lambda: None)
    assert watchers.error is None
