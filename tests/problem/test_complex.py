"""Problems with complex unknowns: what they are taken for, what is stored, what is refused, and what solves them."""

import json

import numpy as np
import pytest
from sympy import Abs, Eq, I, Rational, conjugate, exp, im, re, sech

import spindle as spd
from spindle.problem.serialize import problem_from_data, problem_to_data
from spindle.symbolic.complex_parts import parts_of
from tests.solutions import untrained

t, x, y = spd.coordinates("t x y")
psi, w = spd.unknown("psi", t, x, complex=True), spd.unknown("w", x, complex=True)
u = spd.unknown("u", x)
K = 3


def radiating():
    """w'' + k^2 w = 0, w(0) = 1, and waves leave at x = 2: w = exp(i k x)."""
    return spd.Problem(
        domain=spd.Box({x: (0, 2)}),
        equations={"helmholtz": Eq(w.diff(x, 2) + K**2 * w, 0)},
        conditions=[spd.Dirichlet(w, 1, on=Eq(x, 0)), spd.Robin(w, -I * K, 1, on=Eq(x, 2))],
        reference={w: exp(I * K * x)},
        quantities={"power": Abs(w) ** 2},
    )


def soliton():
    """A soliton of i psi_t + psi_xx / 2 + |psi|^2 psi = 0 that travels: Zakharov & Shabat (1972)."""
    speed = Rational(1, 2)
    exact = sech(x - speed * t) * exp(I * (speed * x + (1 - speed**2) / 2 * t))
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (-5, 5)}),
        equations=[Eq(I * psi.diff(t) + psi.diff(x, 2) / 2 + Abs(psi) ** 2 * psi, 0)],
        conditions=[spd.Initial(psi, exact.subs(t, 0)), spd.Dirichlet(psi, exact)],
        reference={psi: exact},
    )


def test_each_equation_condition_and_quantity_is_real():
    problem = radiating()
    real, imaginary = parts_of(w)
    assert problem.unknowns == (imaginary, real)
    assert [e.residual for e in problem.equations] == [a.diff(x, 2) + K**2 * a for a in (real, imaginary)]
    assert [c.name for c in problem.conditions] == ["dirichlet w re", "dirichlet w im", "robin w re", "robin w im"]
    assert problem.complex_unknowns == {w: (real, imaginary)}
    assert problem.quantities == {"power": real**2 + imaginary**2}
    assert "w = I*w_im + w_re" in str(problem)
    assert "d_n(w_re) + 3*w_im = 0 on x=2" in str(problem)


@pytest.mark.parametrize("build", [radiating, soliton])
def test_it_comes_back_from_a_file(build):
    problem = build()
    data, arrays = problem_to_data(problem)
    again = problem_from_data(json.loads(json.dumps(data)), arrays)
    assert str(again) == str(problem)
    assert again.complex_unknowns == problem.complex_unknowns


def test_measurements_are_complex():
    both = spd.Observed(w, {x: [0.1, 0.2]}, [1 + 2j, 3 - 1j])
    assert [c.name for c in both] == ["observed w re", "observed w im"]
    np.testing.assert_array_equal([c.values for c in both], [[1, 3], [2, -1]])
    assert spd.Observed(re(w) + Abs(w), {x: [0.1]}, [1.0]).name == "observed w"


@pytest.mark.slow
def test_waves_leave_and_values_are_complex():
    solution = spd.solve(radiating(), spd.SPINN(width=24, newton_steps=3, refine=0), progress=False)
    assert set(solution.run.errors) == {"w", "power"}
    assert solution.run.errors["w"]["rel_l2"] < 1e-10
    at = np.linspace(0, 2, 201)  # as many as errors are measured at, so that nothing is compiled anew
    np.testing.assert_allclose(solution(x=at), np.exp(1j * K * at), atol=1e-10)


def test_expressions_of_complex_unknowns_are_evaluated_by_parts():
    solution = untrained(radiating())
    x1 = np.array([0.3, 1.2])
    at = {"x": x1}
    value, slope = solution(**at), solution(w.diff(x), **at)
    assert value.dtype == complex
    np.testing.assert_allclose(solution(w.diff(x) * conjugate(w) + I * x, **at), slope * value.conj() + 1j * x1)
    np.testing.assert_allclose(solution(im(w), **at), value.imag)
    np.testing.assert_allclose(solution.grid(x=x1), value)
    assert set(solution.to_xarray(x=5).data_vars) == {
        "w_re",
        "w_im",
        "power",
        "w_re_exact",
        "w_im_exact",
        "power_exact",
    }


@pytest.mark.slow
def test_a_soliton_by_default_is_right_to_eight_digits():
    solution = spd.solve(soliton(), spd.SPINN(), progress=False, estimate=True)
    assert solution.error() < 1e-8
    assert set(solution.run.errors) == {"psi"}
    estimated = solution.run.error_estimate.errors["psi"]
    assert solution.error() / 3 < estimated < 3 * solution.error()
    assert solution.verdict.word == "solved"


@pytest.mark.slow
def test_a_wave_between_two_circles_by_differences():
    """A plane wave, with its own impedance, which varies along the outer circle."""
    z = spd.unknown("z", x, y, complex=True)
    ring = spd.Disk({x: 0, y: 0}, 2) - spd.Disk({x: 0, y: 0}, Rational(1, 2))
    plane = exp(I * (2 * x + y))
    slope = I * (2 * x + y) / 2
    problem = spd.Problem(
        domain=ring,
        equations=[Eq(spd.laplacian(z) + 5 * z, 0)],
        conditions=[
            spd.Dirichlet(z, plane, on=x**2 + y**2 < 1),
            spd.Robin(z, -slope, 1, 0, on=x**2 + y**2 > 1),
        ],
        reference={z: plane},
    )
    assert spd.solve(problem, spd.DTPINN(order=4), progress=False).error() < 2e-3


def test_refusals_say_what_to_do():
    with pytest.raises(spd.ProblemError, match=r"which is complex.*complex=True"):
        spd.Problem(domain=spd.Box({x: (0, 1)}), equations=[Eq(I * u.diff(x) + u, 0)])
    with pytest.raises(spd.ProblemError, match=r"which is complex.*complex=True"):
        spd.Dirichlet(u, I)
    with pytest.raises(spd.ProblemError, match=r"which is complex.*complex=True"):
        spd.Robin(u, I, 1)
    with pytest.raises(spd.ProblemError, match="tables for a complex unknown"):
        spd.Problem(
            domain=spd.Box({x: (0, 1)}),
            equations=[Eq(w.diff(x), I * w)],
            reference={w: spd.GridReference({"x": [0, 1]}, np.ones(2))},
        )
