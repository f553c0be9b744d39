"""The error of solutions on elements in the plane, by one step in a richer space, against the true one."""

import pytest
from sympy import Eq, Rational, atan2, exp, pi, sin

import spindle as spd

x, y = spd.coordinates("x y")
u = spd.unknown("u", x, y)
_EXACT = {
    "smooth": exp(2 * x) * sin(6 * y),
    # Harmonic; it turns within a fiftieth of a corner.
    "corner": 2 / pi * atan2(y, x + Rational(1, 50)),
}


@pytest.mark.parametrize("kind", ["smooth", pytest.param("corner", marks=pytest.mark.slow)])
def test_the_estimate_is_of_the_size_of_the_error(kind, monkeypatch):
    exact = _EXACT[kind]
    for name, value in {"_AT_REST": 1e-8, "_MOST_AT_REST": 1}.items():
        monkeypatch.setattr(f"spindle.methods.elements.{name}", value)  # the first mesh, which is too coarse
    problem = spd.Problem(
        domain=spd.Box({x: (0, 1), y: (0, 1)}),
        equations=[Eq(u.diff(x, 2) + u.diff(y, 2), (exact.diff(x, 2) + exact.diff(y, 2)).simplify())],
        conditions=[spd.Dirichlet(u, exact)],
        reference={u: exact},
    )
    solution = spd.solve(problem, spd.SPINN(network="elements"), progress=False, estimate=True)
    estimate = solution.run.error_estimate
    assert estimate.by == "a step in a richer space"
    assert solution.error() / 4 < estimate.errors["u"] < 4 * solution.error()
