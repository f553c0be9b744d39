"""Stages by themselves: when to refine, which parameters are kept, and that grouping and clocks change no number."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spindle.objective.objective import Drawn
from spindle.training import loop
from spindle.training.history import Clock
from spindle.training.loop import Trainer
from spindle.training.optimizers.base import Optimizer
from spindle.training.saving import Saving
from spindle.training.schedule import Limits, Schedule
from spindle.training.stages import Refined, Refinement, Stage, loss_before_such
from spindle.training.watching import Watchers
from tests.training.simplest import Nothing


class Sized(NamedTuple):
    """A state that tells the loss of the zero field."""

    size: jax.Array


@dataclass(frozen=True)
class Factor(Optimizer):
    """Every step multiplies the parameters."""

    steps: int = 100
    factor: float = 0.5
    label: ClassVar[str] = "factor"
    resamples: ClassVar[bool] = False

    def start(self, parameters):
        return Sized(jnp.ones(()))

    def step(self, problem, parameters, state):
        return jax.tree.map(lambda x: self.factor * x, parameters), state, problem.loss(parameters)

    def finished(self, state):
        return jnp.asarray(False)


@dataclass(frozen=True)
class Drawing(Factor):
    """Likewise, on points that may change."""

    resamples: ClassVar[bool] = True


@dataclass(frozen=True)
class Longer(Refinement):
    """One more row of ones."""

    def decide(self, model, reached):
        return 1

    def apply(self, model, decision):
        return {"x": jnp.concatenate([model["x"], jnp.ones((decision, model["x"].shape[1]))])}

    def objective(self, model):
        return None

    def describe(self, decision):
        return f"{decision} more"


@dataclass(frozen=True)
class Nowhere(Refinement):
    """Another kind, which finds nothing to refine."""

    def decide(self, model, reached):
        return None

    def apply(self, model, decision):
        return model

    def objective(self, model):
        return None

    def describe(self, decision):
        return "nothing"


def trained(*stages, keep="last", **options):
    trainer = Trainer(Nothing(), Schedule(stages, keep=keep), limits=Limits(**options), clock=Clock())
    return trainer.run({"x": jnp.ones((2, 2))}, {"x": 1.0}, key=jax.random.PRNGKey(0))


@pytest.fixture(params=[1, 3, 1000])
def grouped(request, monkeypatch):
    """Steps in groups of this number, as they are on a slow machine or a fast one."""
    monkeypatch.setattr(loop, "_next_chunk", lambda done, took, chunk: request.param)


def test_what_diverges_ends_with_the_last_parameters_of_a_finite_loss_however_steps_are_grouped(grouped, float64):
    outcome = trained(Stage(Factor(100, 1e10)))
    assert (outcome.stopped_by, outcome.steps) == ("diverged", 17)  # (1e10)^16 is 1e160, and its square infinite
    assert float(outcome.model["x"][0, 0]) == pytest.approx(1e150)


def test_a_target_is_met_at_the_same_step_however_steps_are_grouped(grouped, float64):
    outcome = trained(Stage(Factor(100)), loss=1e-3)
    assert (outcome.stopped_by, outcome.steps) == ("target", 6)  # 0.25^5 is the first below
    assert float(outcome.model["x"][0, 0]) == 0.5**6


def test_the_best_parameters_outlive_the_stage_that_came_upon_them(grouped, float64):
    down, up = Stage(Factor(15)), Stage(Factor(30, 1.5))
    assert float(trained(down, up).model["x"][0, 0]) == pytest.approx(0.5**15 * 1.5**30)
    kept = trained(down, up, keep="lowest loss")
    assert float(kept.model["x"][0, 0]) == 0.5**15 * 1.5**5, "of steps 0, 10, 20, ... the third"
    assert kept.loss == pytest.approx(float(kept.model["x"][0, 0]) ** 2)


def test_of_late_losses_every_hundredth_counts_of_the_last_three_tenths(float64):
    kept = trained(Stage(Factor(100)), Stage(Factor(300, 1.01)), keep="lowest late loss")
    assert float(kept.model["x"][0, 0]) == pytest.approx(0.5**100 * 1.01**200)


class Turning(Nothing):
    """An objective whose loss is how often points were drawn before."""

    def draw(self, key, carried=None, turn=0):
        return Drawn(jnp.asarray(turn, float), {}, [], {})

    def mean_squares(self, model, points):
        return {"x": points.points}

    def loss(self, model, points, weights):
        return points.points


@pytest.mark.parametrize(("steps", "turn"), [(2, 0), (3, 1), (9, 4)])
def test_points_are_told_how_often_they_were_drawn_before(steps, turn):
    schedule = Schedule((Stage(Drawing(steps)),), resample=2)
    trainer = Trainer(Turning(), schedule, limits=Limits(loss=-1.0), clock=Clock())
    assert trainer.run({"x": jnp.ones((2, 2))}, {"x": 1.0}, key=jax.random.PRNGKey(0)).loss == turn


def test_a_refinement_begins_a_stage_and_what_was_best_before_it_counts_no_more(float64):
    outcome = trained(Stage(Factor(20)), Stage(Factor(5), Longer()), keep="lowest loss")
    assert outcome.grown == [{"phase": 1, "decision": 1, "what": "1 more", "loss": 0.25**19}]
    assert outcome.began == 20 and outcome.steps == 25
    np.testing.assert_array_equal(outcome.model["x"][:, 0], [0.5**20, 0.5**20, 1.0])


def test_a_trainer_stays_what_it_was_and_can_be_run_again(float64):
    schedule = Schedule((Stage(Factor(12)), Stage(Factor(5), Longer(), insists=True)))
    trainer = Trainer(Nothing(), schedule, limits=Limits(), clock=Clock())
    before = dict(vars(trainer))
    first, again = (trainer.run({"x": jnp.ones((2, 2))}, {"x": 1.0}, key=jax.random.PRNGKey(0)) for _ in range(2))
    assert vars(trainer) == before
    assert again.grown == first.grown and again.steps == first.steps == 17
    np.testing.assert_array_equal(again.model["x"], first.model["x"])


@pytest.mark.parametrize("keep", ["last", "lowest loss"])
def test_a_training_is_continued_from_its_file(tmp_path, keep, float64):
    def run(*, until):
        seen = []

        def stop(record, total):
            seen.append(record.step)
            if record.step >= until:
                raise ZeroDivisionError

        schedule = Schedule((Stage(Factor(12)), Stage(Factor(20, 1.5), Longer())), keep=keep)
        trainer = Trainer(
            Nothing(),
            schedule,
            limits=Limits(),
            clock=Clock(),
            watchers=Watchers([stop]),
            checkpoint=tmp_path / "checkpoint.npz",
        )
        return trainer.run({"x": jnp.ones((2, 2))}, {"x": 1.0}, key=jax.random.PRNGKey(0)), seen

    broken, _ = run(until=20)
    assert broken.stopped_by == "callback" and isinstance(broken.error, ZeroDivisionError)
    rest, seen = run(until=100)
    whole = trained(Stage(Factor(12)), Stage(Factor(20, 1.5), Longer()), keep=keep)
    assert min(seen) > 20
    assert rest.grown == whole.grown and rest.steps == whole.steps and rest.loss == whole.loss
    np.testing.assert_array_equal(rest.model["x"], whole.model["x"])
    assert [r.step for r in rest.history] == [r.step for r in whole.history]


def test_without_a_file_nothing_is_saved():
    saving = Saving(None, "", 0.0, Clock())
    saving.save(None, None, None)
    assert not saving.begun


@pytest.mark.parametrize(
    ("stage", "loss", "last", "decision"),
    [
        (Stage(Factor(), Longer()), 1e-2, None, 1),
        (Stage(Factor(), Longer()), 1e-14, None, None),  # a residual of 1e-7: nothing to gain
        (Stage(Factor(), Longer(), tolerance=0.0), 1e-14, None, 1),
        (Stage(Factor(), Longer()), 1e-2, 3e-2, 1),
        (Stage(Factor(), Longer()), 1e-2, 1.5e-2, None),  # the last one did not halve the loss
        (Stage(Factor(), Longer(), insists=True), 1e-2, 1.5e-2, 1),
    ],
)
def test_a_stage_refines_where_there_is_something_to_gain(stage, loss, last, decision, float64):
    assert stage.decide({}, jnp.asarray(loss), Sized(jnp.ones(())), last) == decision


def test_only_a_refinement_of_the_same_kind_says_that_another_is_useless():
    stages = [Stage(Factor()), Stage(Factor(), Longer()), Stage(Factor(), Longer()), Stage(Factor(), Nowhere())]
    made = [Refined(1, 1, "1 more", 4.0), Refined(2, 1, "1 more", 2.0)]
    assert loss_before_such(2, stages, made[:1]) is None, "the first one says nothing yet"
    assert loss_before_such(2, stages, made) == 2.0
    assert loss_before_such(3, stages, made) is None


def test_a_stage_without_a_refinement_that_a_file_tells_of_is_an_error():
    with pytest.raises(ValueError, match="refines nothing"):
        _ = Stage(Factor()).refinement
