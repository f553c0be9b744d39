"""Two materials: on either side the equation holds, and across the jump value and flux are continuous."""

import pytest
import sympy

import spindle as spd
from spindle.gallery.materials import inclusion, plate, strip, two_materials, two_materials2d

SAMPLES = (0.03, 0.29, 0.61, 0.97)


@pytest.mark.parametrize("posed", [strip, plate])
@pytest.mark.parametrize(("ratio", "at"), [(1000, 0.5), (0.02, 0.3), (1, 0.5)])
def test_closed_forms_solve_either_side_and_carry_the_flux_across(posed, ratio, at):
    parts = posed(ratio, at)
    ((u, exact),) = parts["reference"].items()
    x, *others = parts["domain"].coordinates
    (equation,) = parts["equations"]
    sides = [exact.subs(x, sympy.Symbol("x_")).replace(sympy.Piecewise, lambda *c, k=k: c[k][0]) for k in (0, 1)]
    sides = [side.subs(sympy.Symbol("x_"), x) for side in sides]
    for conductivity, side, places in (
        (1, sides[0], [s * at for s in SAMPLES]),
        (ratio, sides[1], [at + s * (1 - at) for s in SAMPLES]),
    ):
        whole = conductivity * sum(side.diff(c, 2) for c in (x, *others))
        # The strip has a source of one, the plate has none.
        source = 0 if others else 1
        for place in places:
            point = {x: sympy.nsimplify(place)} | dict.fromkeys(others, sympy.Rational(37, 100))
            assert abs(sympy.N((whole + source).subs(point), 30)) < 1e-20
    across = {x: sympy.nsimplify(at)} | dict.fromkeys(others, sympy.Rational(37, 100))
    assert abs(sympy.N((sides[0] - sides[1]).subs(across), 30)) < 1e-20
    assert abs(sympy.N((sides[0].diff(x) - sympy.nsimplify(ratio) * sides[1].diff(x)).subs(across), 30)) < 1e-20
    assert equation.has(sympy.Piecewise) == (ratio != 1)
    for condition in parts["conditions"]:
        for piece in condition.pieces(parts["domain"]):
            for face, expression in piece.terms:
                place = {parts["domain"].coordinates[face.axis]: sympy.nsimplify(face.value)}
                left = expression.subs(u, exact).subs(place).subs(dict.fromkeys((x, *others), sympy.Rational(1, 5)))
                assert abs(sympy.N(left, 30)) < 1e-20


@pytest.mark.parametrize("build", [two_materials, two_materials2d])
@pytest.mark.parametrize("wrong", [{"ratio": 0}, {"at": 1.0}])
def test_materials_that_do_not_meet_are_refused(build, wrong):
    with pytest.raises(
        spd.ProblemError, match=rf"`{build.__name__}` was given ratio = .* it needs a positive ratio, and"
    ):
        build(**wrong)


@pytest.mark.parametrize("ratio", [5, 0.001])
def test_a_cylinder_carries_value_and_flux_across_its_wall(ratio):
    problem = inclusion(ratio, 0.3)
    u, (x, y) = problem.unknowns[0], problem.coordinates
    inside, outside = (problem.closed_forms[u].args[k][0] for k in (0, 1))
    for angle in (0.3, 1.9, 4.4):
        place = {x: 0.3 * sympy.cos(angle), y: 0.3 * sympy.sin(angle)}
        assert abs((inside - outside).subs(place)) < 1e-12
        flux = ratio * inside - outside
        assert abs((x * flux.diff(x) + y * flux.diff(y)).subs(place)) < 1e-12
    for side in (inside, outside):
        assert sympy.simplify(side.diff(x, 2) + side.diff(y, 2)) == 0
    assert all(gap < 1e-9 for _, _, gap in problem.misfits)


def test_a_cylinder_that_does_not_lie_inside_is_refused():
    with pytest.raises(
        spd.ProblemError, match=r"`inclusion` was given ratio = .* it needs a positive ratio, and a radius"
    ):
        inclusion(5, 1.2)
