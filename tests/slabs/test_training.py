"""Marches as trainings: interrupted, continued, stopped by a budget, saved by exceptions, and read again."""

import signal

import numpy as np
import pytest
from sympy import Eq, Rational, tanh

import spindle as spd
from spindle.slabs.march import March

t, x = spd.coordinates("t x")
u = spd.unknown("u", t, x)
EXACT = Rational(1, 2) - tanh((x - t / 2) / Rational(1, 25))


def moving_front():
    """Burgers' equation with a front of speed 1/2; some fifteen slabs."""
    return spd.Problem(
        domain=spd.Box({t: (0, Rational(1, 4)), x: (-1, 1)}),
        equations=[Eq(u.diff(t) + u * u.diff(x), u.diff(x, 2) / 50)],
        conditions=[spd.Initial(u, EXACT.subs(t, 0)), spd.Dirichlet(u, EXACT)],
        reference={u: EXACT},
    )


@pytest.fixture(scope="module")
def whole():
    return spd.solve(moving_front(), spd.SPINN(), progress=False)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A run that got Ctrl-C after three slabs, and its directory."""
    directory, entries = tmp_path_factory.mktemp("front") / "run", []

    def stop(entry, total):
        entries.append(entry)
        if len(entries) == 3:
            signal.raise_signal(signal.SIGINT)

    return spd.solve(moving_front(), spd.SPINN(), progress=False, out=directory, callbacks=[stop]), directory


def coefficients(solution):
    return np.asarray(solution.model.field.coefficients)


def test_what_was_reached_is_kept_and_nothing_is_said_of_the_rest(interrupted, whole):
    solution, _ = interrupted
    reached = solution.run.reached.to
    assert solution.run.stopped_by == "interrupted" and 0 < reached < 0.25
    assert solution.verdict.word == "not solved"
    assert f"it reaches t = {reached:.4g} of 0.25 only" in str(solution.verdict)
    assert np.isnan(solution(t=0.24, x=0.0))
    assert solution(t=0.9 * reached, x=0.0) == whole(t=0.9 * reached, x=0.0)
    assert solution.run.errors["u"]["rel_l2"] < 1e-6, "of what was reached"


def test_a_run_goes_on_to_the_same_digits(interrupted, whole):
    _, directory = interrupted
    resumed = spd.resume(directory, progress=False)
    assert resumed.verdict.word == "solved"
    assert np.array_equal(coefficients(resumed), coefficients(whole))
    assert np.array_equal(coefficients(spd.load(directory)), coefficients(whole))


def test_an_exception_of_a_callback_loses_nothing(tmp_path, whole):
    def fail(entry, total):
        if entry.step > 8:
            raise RuntimeError("of the user")

    with pytest.raises(RuntimeError, match="of the user"):
        spd.solve(moving_front(), spd.SPINN(), progress=False, out=tmp_path / "run", callbacks=[fail])
    assert (tmp_path / "run" / "slabs.npz").exists()
    assert np.array_equal(coefficients(spd.resume(tmp_path / "run", progress=False)), coefficients(whole))


def test_a_file_of_another_march_is_refused(interrupted, tmp_path):
    _, directory = interrupted
    with np.load(directory / "slabs.npz") as stored:
        arrays = dict(stored)
    arrays["series 0"] = arrays["series 0"][:, :-1]
    march = spd.SPINN().plan(moving_front()).march
    space, mesh, aim = march.ways[0]
    with pytest.raises(ValueError, match="its slabs are of another march"):
        March(space, march.time, mesh, aim).restore(arrays)


def test_the_record_says_what_was_made(whole):
    (made,) = whole.run.grown
    assert made.decision["slabs"] == len(whole.run.history) == coefficients(whole).shape[0]
    assert f"{made.decision['slabs']} slabs of time of degree 8" in whole.choices[-1]
    assert whole.run.history[0].phase == "slabs of time"
    assert whole.error() < 1e-7
