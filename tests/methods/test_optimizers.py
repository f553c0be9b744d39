"""The optimizers that settings ask for."""

from spindle.methods.optimizers import KINDS, optimizers, setting_of_steps


def test_optimizers_are_made_of_settings_in_the_order_in_which_they_train():
    settings = {"steps": 3, "learning_rate": 0.1, "schedule": "cosine", "lbfgs_steps": 0, "newton_steps": 5}
    adam, newton = optimizers(settings.get)
    assert (adam.label, adam.steps, adam.learning_rate, adam.schedule) == ("Adam", 3, 0.1, "cosine")
    assert (newton.label, newton.steps) == ("Gauss-Newton", 5)
    assert [setting_of_steps(label) for label in KINDS] == ["steps", "lbfgs_steps", "broyden_steps", "newton_steps"]
    assert setting_of_steps("Adam, causal 0.1") == "steps"
