"""Every gallery problem with a closed form is solved by it, under both ways to differentiate."""

import jax
import numpy as np
import pytest
import sympy

import spindle as spd
from spindle.gallery.registry import GALLERY, gallery, options, summary
from spindle.geometry.supports import BoundaryPart
from spindle.networks.model import Model
from spindle.problem.references import OnDemand
from spindle.training.precision import precision
from tests.contract.exact_fields import ExactField, ExactSeparableField

ON_JETS = ["helmholtz3d", "klein_gordon3d", "klein_gordon4d", "diffusion6d", "poisson2d", "convection"]
ON_JETS += ["advection_fast", "wave_multiscale", "helmholtz_high", "oscillator_long"]
SYMBOLIC = [*ON_JETS, "flow_mixing3d", "navier_stokes4d", "kovasznay", "burgers_two_fronts", "boundary_layer"]
SYMBOLIC += ["burgers2d", "heat_long", "two_materials", "two_materials2d", "inclusion"]
CURVED = ["poisson_disk", "nonlinear_poisson_disk", "heat_disk", "poisson_ball", "poisson_star", "poisson_cad"]
CURVED += ["advection_diffusion_annulus"]
TABULATED = {"poisson_holes": 1e-9, "diffusion3d": 1e-4, "poisson_lshape": 1e-6, "burgers": 1e-6, "allen_cahn": 1e-6}
TABULATED |= {"navier_stokes3d": 2e-5, "lid_driven_cavity": 1e-4}
TABULATED |= {"kdv": 1e-10, "kuramoto_sivashinsky": 1e-9, "nonlinear_schroedinger": 2e-7, "burgers_moving": 1e-11}
TABULATED |= {"gray_scott": 3e-6, "ginzburg_landau": 2e-7, "van_der_pol": 1e-9, "lorenz_inverse": 1e-9}
# Those whose reference takes more than about ten seconds of a busy core.
COSTLY = ("navier_stokes3d", "kuramoto_sivashinsky", "nonlinear_schroedinger", "gray_scott", "ginzburg_landau")


def residuals(problem, method, field):
    """All residual arrays at the method's points, by name."""
    with precision("float64"):
        objective = method.plan(problem).objective
        points = jax.jit(objective.draw)(jax.random.PRNGKey(3))
        return jax.jit(lambda points: objective.evaluate(Model(field, {}), points))(points)


def few(axes):
    return {2: 9, 3: 7, 4: 5}.get(axes, 3)


SLOW = ("klein_gordon4d", "diffusion6d")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in ON_JETS])
def test_closed_form_annihilates_residuals_under_both_derivatives(name):
    problem = gallery(name)
    n = few(len(problem.coordinates))
    settings = {"hard": "off", "points": n, "sampling": "uniform", "dtype": "float64"}
    pointwise = residuals(problem, spd.PINN(**settings), ExactField(problem))
    separable = residuals(problem, spd.SPINN(**settings), ExactSeparableField(problem))
    assert (
        set(pointwise) == set(separable) == {e.name for e in problem.equations} | {c.name for c in problem.conditions}
    )
    for residual_name in pointwise:
        for found in (pointwise, separable):
            for piece in found[residual_name]:
                assert np.max(np.abs(piece)) < 1e-10, f"{residual_name} does not vanish on the exact solution"
        # The lattice and the uniform cloud are the same points: the arrays must agree entry by entry, to rounding.
        for a, b in zip(pointwise[residual_name], separable[residual_name], strict=True):
            np.testing.assert_allclose(np.ravel(a), np.ravel(b), atol=1e-10)


@pytest.mark.parametrize("name", SYMBOLIC)
def test_closed_form_annihilates_residuals_symbolically(name):
    """Independent of our derivatives: SymPy differentiates, and evaluates at random points with 30 digits."""
    problem = gallery(name)
    random = np.random.default_rng(1)
    low, high = np.array(problem.domain.bounds).T
    checks = [(None, e.residual) for e in problem.equations]
    checks += [(face, e) for c in problem.conditions for p in c.pieces(problem.domain) for face, e in p.terms[:1]]
    periodic = [p for c in problem.conditions for p in c.pieces(problem.domain) if len(p.terms) > 1]
    checks = [check for check in checks if all(check[1] is not p.terms[0][1] for p in periodic)]
    for face, expression in checks:
        value = spd.manufactured(expression, problem.reference)
        point = dict(zip(problem.coordinates, low + (high - low) * random.uniform(size=len(low)), strict=True))
        if face is not None:
            point[problem.coordinates[face.axis]] = sympy.nsimplify(face.value)
        value = value.subs({p: sympy.nsimplify(p.value) for p in problem.parameters})
        assert abs(sympy.N(value.subs(point), 30)) < 1e-10


@pytest.mark.parametrize("name", CURVED)
def test_closed_form_annihilates_residuals_on_curved_domains(name):
    """SymPy differentiates; points and normals are those that training meets."""
    problem = gallery(name)
    objective = spd.DTPINN(nodes=300, order=2, derivatives="exact").plan(problem).objective
    with precision("float64"):
        places, drawn = objective.derivatives.points.supports, objective.derivatives.points.draw(None)
    written = [e.residual for e in problem.equations]
    written += [e for c in problem.conditions for p in c.pieces(problem.domain) for _, e in p.terms]
    for place, points, expression in zip(places, drawn, written, strict=True):
        letters = [*problem.coordinates]
        letters += [*spd.normal(*place.shape.coordinates)] if isinstance(place, BoundaryPart) else []
        value = sympy.lambdify(letters, spd.manufactured(expression, problem.reference), "numpy")(*np.asarray(points).T)
        assert np.max(np.abs(value)) < 1e-10


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n in COSTLY else ()) for n in TABULATED])
def test_tabulated_references_state_an_error_that_is_small_enough(name):
    for reference in gallery(name).reference.values():
        assert reference.relative_error < TABULATED[name]


@pytest.mark.parametrize("name", GALLERY)
def test_every_problem_describes_itself(name):
    problem = gallery(name)
    assert problem.name == name
    assert "Source" in GALLERY[name].__doc__
    assert len(summary(name)) > 20
    assert str(problem).count("\n") >= 3
    assert all(value is not None for value in options(name).values())


def test_unknown_names_and_options_are_refused_with_the_nearest():
    with pytest.raises(spd.ProblemError, match=r"no problem `helmholz3d` in the gallery. Did you mean `helmholtz3d`\?"):
        gallery("helmholz3d")
    with pytest.raises(spd.ProblemError, match=r"`helmholtz3d` has no option `a4`. There are: a1, a2, a3, k"):
        gallery("helmholtz3d", a4=1)


@pytest.mark.parametrize(
    ("name", "option", "text"),
    [
        ("van_der_pol", {"mu": -1}, "`van_der_pol` was given mu = -1 and end = 2000; it needs a positive stiffness"),
        ("oscillator_long", {"periods": 0}, "`oscillator_long` was given periods = 0; it needs one at least"),
        ("lorenz_inverse", {"points": 1}, "`lorenz_inverse` was given points = 1; it needs two instants at least"),
        *(
            ("poisson2d", {"m": bad}, "option `m` of poisson2d needs a finite number")
            for bad in ("abc", float("nan"), float("inf"), 10**400, (1, 2), None, True)
        ),
        ("poisson2d", {"m": 1.5}, "option `m` of poisson2d needs a whole number, and was given 1.5"),
        ("helmholtz3d", {"k": "abc"}, "option `k` of helmholtz3d needs a finite number"),
        ("burgers", {"nu": -1}, "`burgers` cannot be posed with nu=-1: .*accurate from 0.001 to 1"),
        ("burgers", {"nu": 0}, "`burgers` cannot be posed with nu=0"),
        ("flow_mixing3d", {"v_max": 0}, "`flow_mixing3d` cannot be posed with v_max=0: division by zero"),
        (
            "boundary_layer",
            {"side": "top"},
            "option `side` of boundary_layer needs one of right, left, middle, and was",
        ),
        ("boundary_layer", {"eps": 0}, "`boundary_layer` was given eps = 0 .* it needs a positive thickness"),
        (
            "burgers_two_fronts",
            {"nu": 1e-4},
            "nu = 0.0001, but the derivatives of its closed form overflow below 0.002;",
        ),
    ],
)
def test_options_that_make_no_problem_are_refused(name, option, text):
    with pytest.raises(spd.ProblemError, match=text):
        gallery(name, **option)


def test_problems_know_how_they_were_made():
    assert gallery("poisson2d", m=np.int64(2)).origin == ("poisson2d", {"m": 2})
    assert gallery("helmholtz3d", k=sympy.Rational(1, 2)).origin == ("helmholtz3d", {"k": 0.5})
    assert gallery("klein_gordon3d").origin == ("klein_gordon3d", {})
    assert gallery("klein_gordon3d").without(["initial u_t"]).origin is None


def test_family_members_are_problems_of_their_own():
    assert gallery("helmholtz3d", k=10).reference == gallery("helmholtz3d").reference
    assert gallery("helmholtz3d", k=10).equations != gallery("helmholtz3d").equations


def test_published_klein_gordon_leaves_out_the_initial_rate_and_says_so():
    plan = spd.SPINN(recipe="paper", points=8).plan(gallery("klein_gordon3d"))
    assert "initial u_t" not in plan.objective.names
    assert any("initial u_t" in sentence for sentence in plan.choices)
    ours = spd.SPINN(points=8).plan(gallery("klein_gordon3d"))
    assert "initial u_t" in [*ours.constraints.enforced, *ours.objective.names]


@pytest.mark.parametrize("name", [*TABULATED, "convection_diffusion_reaction", "advection_diffusion_family"])
def test_no_reference_is_computed_before_it_is_asked_for(name):
    """To pose a problem, to plan it and to print it costs no reference solver."""
    problem = gallery(name)
    str(problem)
    tables = [t for r in problem.reference.values() for t in (r.tables if isinstance(r, spd.FamilyReference) else [r])]
    assert tables and all(isinstance(table, OnDemand) and "_computed" not in vars(table) for table in tables)
