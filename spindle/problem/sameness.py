"""Whether two problems are the same, whatever they are called."""

import numpy as np

from spindle.problem.problem import Problem
from spindle.problem.serialize import problem_to_data

# What is said of a problem, rather than what it is.
_SAID = ("name", "title", "citation", "notes", "published", "origin")


def same_problem(one: Problem, other: Problem) -> bool:
    """Whether two problems ask for the same field: domain, equations, conditions and references, not their names."""
    (first, numbers), (second, others) = problem_to_data(one), problem_to_data(other)
    posed, asked = ({k: v for k, v in data.items() if k not in _SAID} for data in (first, second))
    equal = all(np.array_equal(numbers[name], others[name], equal_nan=True) for name in set(numbers) & set(others))
    return posed == asked and set(numbers) == set(others) and equal
