"""Which method fits a problem."""

from spindle.problem.problem import Problem


def fitting_method(problem: Problem) -> tuple[str, str]:
    """The name of a method, and the reason."""
    return "spinn", "the domain is made of boxes, so that coordinates separate"
