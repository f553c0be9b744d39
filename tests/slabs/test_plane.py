"""Elements in the plane: exact on polynomials, of the order that theory gives, refined where the solution asks."""

import numpy as np
import pytest
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import spsolve
from sympy import Eq, Rational, cos, cosh, exp, pi, sin

import spindle as spd
from spindle.gallery.registry import gallery
from spindle.methods.elements import on_elements
from spindle.slabs import fronts
from spindle.slabs.march import Aim, Ended, March, Stopped
from spindle.slabs.plane import PlaneElements, lines_of, mesh_of
from spindle.slabs.rows import slab_rows
from spindle.slabs.space import Solved
from spindle.training.precision import precision

x, y = spd.coordinates("x y")
u = spd.unknown("u", x, y)
_MESH = [0.0, 0.1, 0.45, 1.0], [0.0, 0.7, 2.0]


def laplace(exact, conditions=None, domain=None):
    """-Lap u + (1 + x y) u = f on (0, 1) x (0, 2), with a known solution."""
    operator = lambda v: -v.diff(x, 2) - v.diff(y, 2) + (1 + x * y) * v  # noqa: E731
    return spd.Problem(
        domain=domain or spd.Box({x: (0, 1), y: (0, 2)}),
        equations=[Eq(operator(u), operator(exact).expand())],
        conditions=conditions or [spd.Dirichlet(u, exact)],
        reference={u: exact},
    )


def space_of(problem, degree):
    method = spd.SPINN(network="elements").resolved(problem)
    plan = on_elements(problem, method, ())
    rows = slab_rows(plan.objective.forms, plan.weights)
    return PlaneElements(rows, len(problem.unknowns), degree)


def solved(problem, degree, lines, tolerance=np.inf, most=1):
    """The slab, and the field, on a mesh that is as it is or refined to a tolerance."""
    with precision("float64"):
        space = space_of(problem, degree)
        mesh = mesh_of([np.asarray(line, float) for line in lines])
        slab = March(space, (0.0, 1.0), mesh, Aim(tolerance, most)).advance()
        return slab, space.laid([slab])


def error(field, exact, high=(1, 2), low=(0, 0)):
    """The largest error on a grid."""
    axes = [np.linspace(a, b, 41) for a, b in zip(low, high, strict=True)]
    with precision("float64"):
        values = np.asarray(field.on_grid(axes, [(0, 0)])[0, 0])[0]
    true = np.array([[float(exact.subs({x: a, y: b})) for b in axes[1][::8]] for a in axes[0][::8]])
    return np.abs(values[::8, ::8] - true).max()


def test_polynomials_in_both_variables_are_exact_on_any_break_points():
    exact = (x**5 - 2 * x**3 + 1) * (y**4 - y) + x * y
    _, field = solved(laplace(exact), 5, _MESH)
    assert error(field, exact) < 1e-9


def test_polynomials_are_exact_with_neumann_conditions_on_two_sides():
    exact = x**4 * y**3 - x * y**2 + 2
    conditions = [
        spd.Dirichlet(u, exact, on=[Eq(x, 0), Eq(y, 0)]),
        spd.Neumann(u, exact.diff(x), on=Eq(x, 1), name="right"),
        spd.Neumann(u, exact.diff(y), on=Eq(y, 2), name="top"),
    ]
    _, field = solved(laplace(exact, conditions), 5, _MESH)
    assert error(field, exact) < 1e-9


@pytest.mark.parametrize("degree", [5, 6])
def test_the_error_falls_by_the_order_of_the_polynomials(degree):
    exact = sin(3 * x) * exp(y)
    errors = [
        error(solved(laplace(exact), degree, [np.linspace(0, 1, n + 1), np.linspace(0, 2, n + 1)])[1], exact)
        for n in (3, 6)
    ]
    # The degree + 1, less what least squares and penalties at the sides may lose.
    assert np.log2(errors[0] / errors[1]) > degree - 0.5


def test_values_at_points_and_on_grids_are_derivatives_of_one_function():
    exact = sin(2 * x) * cosh(y)
    _, field = solved(laplace(exact), 8, _MESH)
    axes, orders = [np.array([0.05, 0.3, 0.9]), np.array([0.2, 1.9])], [(0, 0), (1, 0), (0, 2), (1, 1)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2)
    with precision("float64"):
        on_grid, at = field.on_grid(axes, orders), field.partials(points, orders)
    for order in orders:
        np.testing.assert_allclose(np.ravel(on_grid[order]), np.ravel(at[order]), atol=1e-10)
        true = exact.diff(x, order[0]).diff(y, order[1])
        expected = [float(true.subs({x: a, y: b})) for a, b in points]
        np.testing.assert_allclose(np.ravel(at[order]), expected, atol=1e-5)


def test_one_axis_may_be_periodic_beside_one_that_is_not():
    exact = cos(2 * pi * x) * (1 + y**2)
    operator = lambda v: -v.diff(x, 2) - v.diff(y, 2) + v  # noqa: E731
    problem = spd.Problem(
        domain=spd.Box({x: (0, 1), y: (0, 2)}),
        equations=[Eq(operator(u), operator(exact))],
        conditions=[spd.Periodic(u, x), spd.Dirichlet(u, exact, on=[Eq(y, 0), Eq(y, 2)])],
    )
    _, field = solved(problem, 9, [np.linspace(0, 1, 4), [0.0, 0.5, 2.0]])
    assert error(field, exact) < 1e-6


def test_a_layer_is_found_and_the_axis_along_it_is_left_alone():
    width = Rational(1, 200)
    exact = (1 - exp(-x / width)) * (1 + y)
    problem = spd.Problem(
        domain=spd.Box({x: (0, 1), y: (0, 1)}),
        equations=[Eq(-width * (u.diff(x, 2) + u.diff(y, 2)) - u.diff(x), 0)],
        conditions=[spd.Dirichlet(u, exact)],
    )
    slab, field = solved(problem, 8, [np.linspace(0, 1, 3)] * 2, 1e-8, 20_000)
    across, along = lines_of(slab.mesh)
    assert np.diff(across)[0] < 0.02 and np.diff(across).max() > 0.1
    assert np.diff(along).min() > 2 * np.diff(across).min()
    assert error(field, exact, high=(1, 1)) < 1e-6


def test_the_mesh_is_fine_at_the_corner_where_boundary_values_jump():
    problem = spd.Problem(
        domain=spd.Box({x: (0, 1), y: (0, 1)}),
        equations=[Eq(u.diff(x, 2) + u.diff(y, 2), 0)],
        conditions=[
            spd.Dirichlet(u, 1, on=Eq(x, 0), name="hot"),
            spd.Dirichlet(u, 0, on=Eq(y, 0), name="cold"),
            spd.Neumann(u, 0, on=[Eq(x, 1), Eq(y, 1)]),
        ],
    )
    slab, _ = solved(problem, 5, [np.linspace(0, 1, 3)] * 2, 1e-8, 2_500)
    for line in lines_of(slab.mesh):
        assert np.argmin(np.diff(line)) <= 1 and np.diff(line)[:2].min() < 0.6 * np.diff(line)[-1]


def test_changes_are_root_mean_squares_over_the_domain():
    space, mesh = space_of(laplace(x * y), 5), mesh_of([np.array(line) for line in _MESH])
    series = np.random.default_rng(3).normal(size=space.nothing(mesh).shape)
    nodes, weights = np.polynomial.legendre.leggauss(8)
    lines = lines_of(mesh)
    halves = [np.diff(line) / 2 for line in lines]
    axes = [(line[:-1, None] + half[:, None] * (nodes + 1)).ravel() for line, half in zip(lines, halves, strict=True)]
    masses = np.multiply.outer(*[(half[:, None] * weights).ravel() for half in halves])
    with precision("float64"):
        values = np.asarray(space.laid([Solved(0.0, 1.0, mesh, series, 0.0)]).on_grid(axes, [(0, 0)])[0, 0])[0]
    mean = np.sqrt((masses * values**2).sum() / masses.sum())
    np.testing.assert_allclose(space.changes(series, mesh), [mean], rtol=1e-12)


def test_fronts_solve_what_a_sparse_matrix_does(key=7):
    rng = np.random.default_rng(key)
    columns, rows, each = 3, 5, 2
    nodes = np.arange((columns + 1) * (rows + 1) * each).reshape(columns + 1, rows + 1, each)
    numbers = np.array(
        [
            [np.concatenate([nodes[i + a, j + b] for a in (0, 1) for b in (0, 1)]) for j in range(rows)]
            for i in range(columns)
        ]
    )
    roots = rng.normal(size=(columns, rows, 12, 4 * each))
    matrices, rights = np.einsum("xyri,xyrj->xyij", roots, roots), rng.normal(size=(columns, rows, 4 * each))
    at = numbers.reshape(-1, 4 * each)
    first, second = np.repeat(at, 4 * each, axis=1).ravel(), np.tile(at, 4 * each).ravel()
    matrix = csc_matrix((matrices.ravel(), (first, second)))
    right = np.zeros(nodes.size)
    np.add.at(right, numbers, rights)
    np.testing.assert_allclose(fronts.solve(numbers, matrices, rights, 0.0), spsolve(matrix, right), rtol=1e-8)


def test_elements_follow_features_of_what_is_not_linear():
    straight = laplace(exp(x) * sin(y))
    bent = spd.Problem(
        domain=straight.domain,
        equations=[Eq(u.diff(x, 2) + u.diff(y, 2), u**3)],
        conditions=[spd.Dirichlet(u, x * y)],
    )
    assert spd.SPINN().plan(straight).instead is None
    assert spd.SPINN().plan(bent).instead.march is not None
    assert spd.SPINN(points=20).plan(bent).instead is None


def test_a_march_that_is_stopped_has_the_solution_of_a_coarser_mesh_at_hand():
    exact = sin(9 * x) * exp(y)
    with precision("float64"):
        space, mesh = space_of(laplace(exact), 5), mesh_of([np.linspace(0, 1, 3), np.linspace(0, 2, 3)])
        march = March(space, (0.0, 1.0), mesh, Aim(1e-9, 5_000))
        march.stopped = lambda: march.steps >= 6
        with pytest.raises(Stopped):
            march.advance()
        (latest,) = march.at_hand
        assert error(space.laid([latest]), exact) < 0.1
    assert not march.slabs


@pytest.mark.slow
def test_what_features_made_stays_where_elements_come_to_nothing(monkeypatch):
    def ends(march):
        march.steps += 1
        raise Ended("Gauss-Newton steps do not settle")

    monkeypatch.setattr(March, "advance", ends)
    monkeypatch.setattr("spindle.solving.train.unsettled", lambda model: True)
    bent = spd.Problem(
        domain=spd.Box({x: (0, 1), y: (0, 1)}),
        equations=[Eq(u.diff(x, 2) + u.diff(y, 2) + u**2, (x * y) ** 2)],
        conditions=[spd.Dirichlet(u, x * y)],
        reference={u: x * y},
    )
    solution = spd.solve(bent, spd.SPINN(refine=1), progress=False)
    assert solution.error() < 1e-8
    assert any("steps do not settle" in warning for warning in solution.run.warnings)


@pytest.mark.slow
def test_a_flow_with_singular_corners_agrees_with_published_values():
    # Botella & Peyret (1998), Computers & Fluids 27: the extreme stream function at 1000. Their lid moves to the left.
    problem = gallery("lid_driven_cavity", re=1000)
    solution = spd.solve(problem, spd.SPINN(network="elements"), progress=False)
    across = next(f for f in problem.unknowns if f.func.__name__ == "u")
    nodes, weights = np.polynomial.legendre.leggauss(60)
    high = 0.5652
    flow = np.ravel(solution(across, x=1 - 0.4692, y=high * (nodes + 1) / 2)) @ weights * high / 2
    assert flow == pytest.approx(-0.1189366, rel=1e-4)
    assert max(solution.run.errors[name]["rel_l2"] for name in "uv") < 1e-3
    assert solution.verdict.word == "doubtful"  # the pressure at the corners
    estimate = solution.run.error_estimate
    assert all(1e-6 < estimate.errors[name] < 5e-3 for name in "uv")


def test_what_is_saved_is_what_is_loaded(tmp_path):
    exact = exp(x) * sin(y)
    solution = spd.solve(laplace(exact), spd.SPINN(network="elements"), out=tmp_path / "run", progress=False)
    assert solution.error() < 1e-8
    assert solution.choices[-1].startswith("4 times 4 elements of degree 8 along x and y")
    points = {"x": np.array([0.1, 0.7]), "y": np.array([1.9, 0.3])}
    np.testing.assert_array_equal(spd.load(tmp_path / "run")(**points), solution(**points))


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (lambda: gallery("poisson_disk"), "its domain is not a single box"),
        (lambda: gallery("helmholtz3d"), "it has more than two coordinates"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(problem, reason):
    text = rf"or at rest on elements of two, and that does not fit .*, since {reason}; choose `network="
    with pytest.raises(spd.MethodError, match=text):
        spd.SPINN(network="elements").plan(problem())
