"""Every example runs, shortened, and says the truth it claims."""

import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples"
SHORT = {"width": 16, "hidden_layers": 2, "points": 16, "steps": 300, "lbfgs_steps": 300}


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


def test_all_examples_are_tested():
    assert {p.stem for p in FOLDER.glob("*.py")} == {"first_problem", "inverse_problem"}
