"""Doubts of a record, on made-up histories: each is raised where it should be, and only there."""

import pytest

import spindle as spd
from spindle.gallery.registry import gallery
from spindle.results.diagnostics import overfit, stagnated, unfinished, unfulfilled
from spindle.training.history import HistoryEntry

STEPS = 1000
TENTHS = (1, 10, 100, 500, 600, 700, 800, 900, 1000)
FAR, NEAR, NONE = {"equation": 0.9}, {"equation": 0.01}, {"equation": 1.0}


def history(loss, *, phase="Adam", began=0):
    """Records at the looks and tenths of a phase, `loss` a function of its steps."""
    return [HistoryEntry(began + step, phase, 0.0, loss(step)) for step in TENTHS]


def flat(step):
    return 1.0 if step >= 500 else 1e3 / step


def falling(step):
    return 10.0 ** (-step / 300)


def noisy(step):
    """Steady but for one spike at nine tenths."""
    return 100.0 if step == 900 else 1.0


def rising(step):
    return 1.0 + step / 1000


def test_standing_still_far_from_a_solution_is_said():
    (sentence,) = stagnated(history(flat), 0, FAR, NONE)
    assert sentence.startswith("training stood still: over the second half of its 1000 steps of Adam")
    assert "`equation` is still 90% of its own terms" in sentence
    assert sentence.endswith("try Gauss-Newton, `newton_steps=200`, or another `learning_rate` or `seed`")
    assert stagnated(history(rising, phase="L-BFGS"), 0, FAR, NONE)
    assert stagnated(history(flat, phase="Adam, causal 0.01"), 0, FAR, NONE)


@pytest.mark.parametrize(
    ("records", "fresh"),
    [
        (history(falling), FAR),
        (history(flat), NEAR),
        (history(flat, phase="Gauss-Newton"), FAR),
        (history(lambda step: 1.0 / step), FAR),
        (history(flat)[:2], FAR),
        ([], FAR),
    ],
    ids=["falls", "solved", "second order", "falls slowly", "few steps", "no record"],
)
def test_other_runs_did_not_stand_still(records, fresh):
    assert not stagnated(records, 0, fresh, NONE)


def test_only_the_last_phase_counts():
    first = history(falling)
    last = history(flat, phase="L-BFGS", began=STEPS)
    assert stagnated(first + last, STEPS, FAR, NONE)
    assert not stagnated(first + history(falling, phase="L-BFGS", began=STEPS), STEPS, FAR, NONE)
    assert not stagnated(last, 2 * STEPS, FAR, NONE), "a phase without a record"


def test_an_end_while_the_loss_falls_fast_is_said():
    (sentence,) = unfinished(history(falling), 0, NEAR, NONE)
    assert "the last tenth of the steps still brought the loss from 1.0e-03 to 4.6e-04" in sentence
    assert sentence.endswith("more steps would help, raise `steps`")
    assert unfinished(history(falling, phase="L-BFGS"), 0, NEAR, NONE)[0].endswith("raise `lbfgs_steps`")
    assert unfinished(history(falling, phase="Gauss-Newton"), 0, NEAR, NONE)[0].endswith("raise `newton_steps`")


@pytest.mark.parametrize("loss", [flat, noisy, rising, lambda step: float("nan")])
def test_a_loss_that_does_not_fall_needs_no_more_steps(loss):
    assert not unfinished(history(loss), 0, FAR, NONE)


def test_what_is_solved_needs_no_more_steps():
    assert not unfinished(history(falling), 0, {"equation": 1e-6}, NONE)
    assert not unfinished(history(falling), 0, {"equation": 1e-6}, {"equation": 0.0}), "zero is the solution"


def test_residuals_like_those_of_the_zero_field_are_said():
    (sentence,) = unfulfilled(FAR, NONE, {})
    assert sentence.startswith("`equation` is hardly fulfilled: its residual is 9.0e-01, and its terms are 1.0e")
    assert "train longer, or raise its weight" in sentence
    assert "train longer" not in unfulfilled(FAR, NONE, {}, stuck=True)[0], "no advice against the other sentence"
    assert not unfulfilled(NEAR, NONE, {})
    assert unfulfilled({"equation": 9e-10}, {"equation": 1e-9}, {}), "an equation times 1e-9 is judged as the equation"


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"network": "mlp", "activation": "tanh"}, "raise `points`"),
        ({"network": "mlp", "activation": "tanh", "rank": 4}, "raise `points`, or lower `rank`"),
        ({"network": "mlp", "activation": "sin", "rank": 4}, "raise `points`, or lower `frequency` or `rank`"),
        ({"network": "spectral", "activation": "sin", "rank": 4}, "raise `points`, or lower `rank`"),
    ],
)
def test_advice_names_settings_that_have_an_effect(settings, advice):
    method = (spd.SPINN if "rank" in settings else spd.PINN)(frequency=1.0, **settings)
    (sentence,) = overfit({"equation": 1.0}, {"equation": 0.1}, method)
    assert sentence.endswith(advice)


def test_a_run_carries_its_doubts():
    stuck = spd.PINN(points=5, width=6, hidden_layers=1, steps=40, lbfgs_steps=0, learning_rate=1e-9)
    run = spd.solve(gallery("poisson2d"), stuck, progress=False).run
    assert any(sentence.startswith("training stood still") for sentence in run.warnings)
    assert [record.step for record in run.history] == [1, 2, 5, 10, 20, 24, 28, 32, 36, 40]
    assert all(bool(record.errors) == (record.step not in (24, 28, 32, 36)) for record in run.history)
