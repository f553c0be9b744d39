"""Every example runs, shortened, and says the truth it claims."""

import importlib.util
import sys
import types
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples"
SHORT = {"width": 16, "hidden_layers": 2, "points": 16, "steps": 300, "lbfgs_steps": 300}
BRIEF = {"steps": 200, "lbfgs_steps": 200}


def example(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_two_methods_agree_on_a_problem_without_a_closed_form():
    assert example("first_problem").main(**SHORT) < 5e-3


@pytest.mark.slow
def test_diffusivity_is_recovered_from_noisy_data():
    module = example("inverse_problem")
    assert module.main(**SHORT) == pytest.approx(module.TRUE_DIFFUSIVITY, rel=0.03)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::spindle.SolveWarning")
@pytest.mark.parametrize(
    ("name", "settings", "error"),
    [
        ("own_network", {"points": 16, **BRIEF}, 2e-3),
        ("own_optimizer", {"width": 16, "points": 16, **BRIEF}, 1e-3),
        ("own_activation", {"width": 16, "points": 16, **BRIEF}, 1e-3),
        ("own_points", {"width": 16, **BRIEF}, 2e-2),
    ],
)
def test_parts_of_ones_own_solve(name, settings, error):
    assert example(name).main(**settings) < error


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::spindle.SolveWarning")
def test_a_callback_ends_the_run_at_the_rate():
    assert example("own_callback").main(width=8, hidden_layers=1, points=16) == pytest.approx(2, rel=0.05)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::spindle.SolveWarning")
def test_a_warm_start_is_ahead():
    cold, warm = example("warm_start").main(width=16, hidden_layers=2, points=16, steps=100, lbfgs_steps=200)
    assert warm < cold


def test_writers_say_what_a_moment_holds(monkeypatch, tmp_path):
    """By stand-ins of the packages, which are no part of the tests: what each is called with."""
    written = []
    board = types.SimpleNamespace(add_scalar=lambda *entry: written.append(entry))
    run = types.SimpleNamespace(log=lambda numbers, step: written.append(("wandb", numbers, step)))
    stand_ins = {
        "tensorboardX": {"SummaryWriter": lambda directory: board},
        "mlflow": {"log_metrics": lambda numbers, step: written.append(("mlflow", numbers, step))},
        "wandb": {"init": lambda **settings: run},
    }
    for name, contents in stand_ins.items():
        monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(**contents))
    writers = example("writers")
    moment = types.SimpleNamespace(step=7, loss=0.5, parts={"observed u": 0.25}, errors={"u": 0.1}, parameters={"k": 2})
    numbers = {"loss": 0.5, "part/observed u": 0.25, "error/u": 0.1, "k": 2}
    for writer in (writers.tensorboard(tmp_path), writers.mlflow(), writers.wandb(project="heat")):
        assert writer(moment, 100) is not True
    assert written[:4] == [(name, value, 7) for name, value in numbers.items()]
    assert written[4:] == [("mlflow", {n.replace(" ", "_"): v for n, v in numbers.items()}, 7), ("wandb", numbers, 7)]


def test_all_examples_are_tested_and_those_of_ones_own_parts_are_short():
    long = {"first_problem", "inverse_problem", "writers"}
    short = {"own_network", "own_optimizer", "own_activation", "own_points", "own_callback", "warm_start"}
    assert {p.stem for p in FOLDER.glob("*.py")} == long | short
    assert all(len((FOLDER / f"{name}.py").read_text().splitlines()) <= 25 for name in short)
