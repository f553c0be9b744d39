"""Parameters to be estimated whose sign is known, since the problem is ill-posed with the other one."""

from spindle.problem.consistency.counting import wrong_counts


def parameters_of_known_sign(problem) -> frozenset[str]:
    """The names of parameters such as a diffusivity: with the other sign heat would flow backwards in time.

    Measurements are left out, since they stand in for conditions.
    """
    guessed = [p for p in problem.tunable if p.value]
    if not guessed:
        return frozenset()
    posed = problem.without(problem.beside_parts)
    known = _objections(posed, {})
    return frozenset(p.name for p in guessed if _objections(posed, {p.name: -p.value}) - known)


def _objections(problem, values) -> set[str]:
    return {doubt.sentence for doubt in wrong_counts(problem.at(**values)) if doubt.fatal}
