"""Which method fits a problem, where the user names none."""

from spindle.problem.curves import oblique_curves
from spindle.problem.families import family_parameters, with_parameter_axes
from spindle.problem.problem import Problem
from spindle.symbolic.symbols import is_space

# Beyond so many axes, parameters counted, members of a family are cheaper from a low-rank network than from products.
_FAMILY_AXES = 4
_NODES = 3  # dimensions up to which there are scattered nodes


def chosen_method(problem: Problem) -> tuple[str, str]:
    """The name of the method that fits a problem, and the sentence of the record on that choice."""
    name, reason = fitting_method(problem)
    return name, f"method {name}: {reason}"


def fitting_method(problem: Problem) -> tuple[str, str]:
    """The name of the method that fits the domain of a problem, and the reason in words.

    Raises ProblemError where no method could take the problem: a family on a shape, or one with measurements.
    """
    family, whole = family_parameters(problem), with_parameter_axes(problem)
    axes = len(whole.coordinates)
    if family and axes > _FAMILY_AXES:
        names = ", ".join(p.name for p in family)
        return "fastlrnr", f"the problem is a family over {names} of {axes} axes, and its members are found one by one"
    if axes == 1 and whole.domain.boxes:
        why = "whose features are fitted by linear algebra"
        return "spinn", f"{whole.coordinates[0]} is the only coordinate, one axis {why}"
    if oblique := oblique_curves(problem):
        return (
            "dtpinn",
            f"its interface {oblique[0].level} = 0 lies across no axis, and scattered nodes lie on any curve",
        )
    if not whole.domain.boxes and len([c for c in whole.coordinates if is_space(c)]) > _NODES:
        return (
            "pinn",
            f"the domain is a shape in more than {_NODES} dimensions, where points at random are all there is",
        )
    if not whole.domain.boxes:
        return "dtpinn", "the domain is no box, and scattered nodes fill any shape"
    made = "a box" if len(whole.domain.boxes) == 1 else "made of boxes"
    over = f", parameters such as {family[0].name} included" if family else ""
    return "spinn", f"the domain is {made}, so the {axes} coordinates separate{over}"
