"""DT-PINNs as users call them: any domain, any recipe, and what is refused."""

import jax
import numpy as np
import pytest
from scipy.spatial import cKDTree
from sympy import Eq, cos, exp, pi, sin

import spindle as spd
from spindle.gallery.registry import gallery
from spindle.points.scattered import scatter
from tests.methods.manufactured import manufactured

x, y, z, t = spd.coordinates("x y z t")
DISK = spd.Disk({x: 0, y: 0}, 1)


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    directory = tmp_path_factory.mktemp("runs") / "disk"
    return spd.solve(gallery("poisson_disk"), spd.DTPINN(nodes=400), out=directory, progress=False), directory


def test_network_is_as_accurate_as_the_classical_solution_beside_it(solved):
    solution, _ = solved
    record = solution.record()
    floor = record["classical"]["errors"]["u"]["rel_l2"]
    assert solution.error() < 1.5 * floor
    assert record["classical"]["distance"]["u"] < 1.5 * floor
    assert record["classical"]["seconds"] > 0
    assert not record["warnings"] or floor > 1e-5
    assert "inner" in record["choices"][0] and "ghost" in record["choices"][0]


def test_a_run_on_a_disk_is_stored_and_read(solved):
    solution, directory = solved
    again = spd.load(directory)
    assert again.problem.domain == solution.problem.domain
    points = np.array([[0.1, 0.2], [-0.5, 0.5], [0.9, 0.9]])
    np.testing.assert_array_equal(again.evaluate(points), solution.evaluate(points))
    assert np.isnan(again.evaluate(points)[2])
    assert again.record()["classical"] == solution.record()["classical"]


@pytest.mark.parametrize(
    ("domain", "settings", "wanted"),
    [
        pytest.param(
            spd.Box({t: (0, 1), x: (0, 1), y: (0, 1)}), {"nodes": 100, "times": 10}, 2e-3, marks=pytest.mark.slow
        ),
        pytest.param(spd.Interval(t, 0, 1) * DISK, {"nodes": 100, "times": 10}, 2e-3, marks=pytest.mark.slow),
        pytest.param(spd.Ball({x: 0, y: 0, z: 0}, 1), {"nodes": 300, "order": 2}, 2e-2, marks=pytest.mark.slow),
        pytest.param(
            spd.Box({x: (0, 1), y: (0, 1)}) - spd.Disk({x: 1, y: 1}, 0.5), {"nodes": 300}, 1e-3, marks=pytest.mark.slow
        ),
    ],
    ids=["heat on a box", "time first", "ball", "corner cut out"],
)
def test_domains_of_every_kind(domain, settings, wanted):
    exact = exp(-y) * sin(2 * x) * (cos(t) if t in domain.coordinates else 1)
    solution = spd.solve(
        manufactured(domain, exact), spd.DTPINN(newton_steps=20, width=16, frequency=2.0, **settings), progress=False
    )
    assert solution.error() < wanted


@pytest.mark.slow
def test_nodes_of_ones_own(tmp_path):
    """A quarter of a disk, known by its nodes only."""
    made = scatter(DISK & spd.Box({x: (0, 2), y: (0, 2)}), total=400)
    cloud = spd.PointCloud((x, y), made.interior, made.boundary, made.normals, made.labels, made.sides)
    problem = manufactured(cloud, exp(x) * sin(y))
    solution = spd.solve(problem, spd.DTPINN(newton_steps=20), progress=False, out=tmp_path / "run")
    assert solution.error() < 1e-3
    assert np.isfinite(solution(x=0.3, y=0.3)) and np.isnan(solution(x=0.9, y=0.9))
    assert spd.load(tmp_path / "run").problem.domain == cloud
    with pytest.raises(spd.ProblemError, match=r"3 inner nodes, 99 boundary nodes and 0 normals; it needs at least 4"):
        spd.PointCloud((x, y), made.interior[:3], np.ones((99, 2)), np.ones((0, 2)))
    twice = np.concatenate([made.interior, made.interior[:1]])
    with pytest.raises(spd.ProblemError, match="two nodes at the same place"):
        spd.PointCloud((x, y), twice, made.boundary, made.normals)


@pytest.mark.slow
def test_a_plain_network_takes_the_same_domains():
    problem = manufactured(DISK - spd.Disk({x: 0, y: 0}, 0.3), exp(x) * cos(y))
    solution = spd.solve(problem, spd.PINN(points=12, steps=200, lbfgs_steps=200, balance=0), progress=False)
    assert solution.error() < 0.02


@pytest.mark.slow
def test_an_unknown_coefficient_is_the_most_likely_one():
    """To first order in the noise that is 3 + <s, noise> / <s, s>, s the slope of u in k at the measured points."""
    u, k = spd.unknown("u", x, y), spd.parameter("k", 1.0, unknown=True)
    exact = 1 + sin(pi * x) * cos(pi * y)
    random = np.random.default_rng(0)
    points = random.uniform(-0.6, 0.6, size=(60, 2))
    noise = 0.01 * random.normal(size=60)
    data = 1 + np.sin(np.pi * points[:, 0]) * np.cos(np.pi * points[:, 1]) + noise
    source = (spd.laplacian(u) - 3 * u).subs(u, exact).doit()
    problem = spd.Problem(
        domain=DISK,
        equations=[Eq(spd.laplacian(u) - k * u, source)],
        conditions=[spd.Dirichlet(u, exact), spd.Observed(u, points, data, noise=0.01)],
        reference={u: exact},
    )
    solution = spd.solve(problem, spd.DTPINN(nodes=300), progress=False)
    linear = spd.Problem(DISK, [Eq(spd.laplacian(u) - 3 * u, exact)], [spd.Dirichlet(u, 0)])
    slope = spd.solve(linear, spd.DTPINN(nodes=300, newton_steps=15, approach=False), progress=False).evaluate(points)
    likely, deviation = 3 + slope @ noise / (slope @ slope), 0.01 / np.linalg.norm(slope)
    assert abs(solution.parameters["k"] - likely) < 0.3 * deviation
    assert float(np.sqrt(solution.uncertainty().posterior[0, 0])) == pytest.approx(deviation, rel=0.05)
    assert solution.error() < 2e-3, "the field follows the equation, not the noise"
    assert "measurements" in solution.record()["classical"]["reason"]


def test_published_recipe_is_as_published():
    plan = spd.DTPINN(recipe="paper", order=3).plan(gallery("heat_disk"))
    settings = plan.settings
    assert (settings.width, settings.hidden_layers, settings.activation) == (50, 4, "tanh")
    assert (settings.lbfgs_rate, settings.lbfgs_memory, settings.exponent) == (0.4, 100, "code")
    cloud = plan.objective.derivatives.points
    assert (len(cloud.nodes.interior), len(cloud.nodes.boundary), len(cloud.times)) == (737, 91, 25)
    # 25 instants of 828 nodes for the equation, the boundary at each, and the start.
    assert plan.objective.count == 25 * 828 + 25 * 91 + 828
    assert plan.build(jax.random.PRNGKey(0)).field.parameters == 7_901


def test_single_precision_is_trained_and_compared_with_the_classical_solution_in_double():
    method = spd.DTPINN(recipe="paper", dtype="float32", nodes=(60, 20), order=2, lbfgs_steps=5)
    record = spd.solve(gallery("poisson_disk"), method, progress=False).record()
    assert record["classical"]["errors"]["u"]["rel_l2"] < 0.1
    assert record["settings"]["lbfgs_rate"] == 0.0075


def test_the_plain_network_as_published_takes_inner_nodes_alone_but_for_the_heat_equation():
    still = spd.DTPINN(recipe="paper", derivatives="exact", nodes=(150, 40)).plan(gallery("poisson_disk"))
    assert still.objective.count == 150 + 40
    heat = spd.DTPINN(recipe="paper", derivatives="exact", nodes=(150, 40), times=3).plan(gallery("heat_disk"))
    assert heat.objective.count == 3 * 190 + 3 * 40 + 190


@pytest.mark.slow
def test_published_training_descends():
    solution = spd.solve(
        gallery("poisson_disk"), spd.DTPINN(recipe="paper", nodes=(150, 40), lbfgs_steps=400), progress=False
    )
    losses = [record.loss for record in solution.run.history]
    assert losses[-1] < 0.05 * losses[0]


@pytest.mark.slow
def test_nodes_are_dense_where_they_should_be(tmp_path):
    problem = manufactured(DISK, exp(x) * sin(y))
    method = spd.DTPINN(nodes=600, density=0.3 + x**2 + y**2, newton_steps=15)
    solution = spd.solve(problem, method, out=tmp_path / "run", progress=False)
    nodes = solution.plan.objective.derivatives.points.nodes.interior
    gap = cKDTree(nodes).query(nodes, 2)[0][:, 1]
    radius = np.linalg.norm(nodes, axis=1)
    assert np.mean(gap[radius < 0.3]) < 0.5 * np.mean(gap[radius > 0.8])
    assert solution.error() < 1e-3
    again = spd.load(tmp_path / "run")
    np.testing.assert_array_equal(again.plan.objective.derivatives.points.nodes.interior, nodes)
    for density, text in ((x**2 - 0.5, "is not positive everywhere"), (1 + z**2, "contains z, which is no space")):
        with pytest.raises(spd.MethodError, match=text):
            spd.solve(problem, spd.DTPINN(density=density), progress=False)
    with pytest.raises(spd.MethodError, match=r"needs an expression in the space coordinates, such as"):
        spd.solve(problem, spd.DTPINN(density=2), progress=False)


@pytest.mark.parametrize(
    ("problem", "method", "text"),
    [
        (DISK, spd.DTPINN(points=100), r"has no use for them: .* set their number by `nodes`"),
        (spd.Interval(x, 0, 1), spd.DTPINN(), r"scatters nodes in two or three space dimensions, and `problem` has 1"),
        (DISK, spd.SPINN(), r"needs a domain made of boxes, .* posed on Disk.*; use `spd.DTPINN\(\)`"),
        (DISK, spd.DTPINN(nodes=10, order=4), r"would get 1 nodes \(interior\), and fewer than 4 carry no differences"),
        (DISK, spd.DTPINN(nodes=30, order=6), r"needs stencils of 73 for degree 7 in 2 coordinates"),
        (DISK, spd.DTPINN(derivatives="spectral"), r"`spd.DTPINN\(derivatives='spectral'\)` is not known"),
        (DISK, spd.DTPINN(equations_at="inner"), r"leaves the values at ghost nodes .*; add `derivatives='exact'`"),
        (DISK, spd.DTPINN(order=0), r"`spd.DTPINN\(order=0\)` needs a whole number of at least 1"),
    ],
)
def test_what_does_not_fit_is_refused(problem, method, text):
    with pytest.raises(spd.SpindleError, match=text):
        spd.solve(manufactured(problem, sin(x)), method, progress=False)


def test_parts_of_curved_boundaries_are_named_or_refused():
    u = spd.unknown("u", x, y)
    ring = spd.Disk({x: 0, y: 0}, 1, name="outer") - spd.Disk({x: 0, y: 0}, 0.3, name="inner")

    def posed(**part):
        return spd.Problem(domain=ring, equations=[Eq(spd.laplacian(u), 0)], conditions=[spd.Dirichlet(u, 0, **part)])

    for on in ("inner", x > 0, ["inner", y < 0], "outer"):
        assert posed(on=on).pieces
    with pytest.raises(spd.ProblemError, match=r"the sides of this domain are .*outer.*Did you mean `outer`\?"):
        posed(on="outter")
    with pytest.raises(spd.ProblemError, match=r"nothing of the boundary of .* lies there"):
        posed(on=x > 2)
    with pytest.raises(spd.ProblemError, match=r"does not name a part of the boundary"):
        posed(on=3)
    with pytest.raises(spd.ProblemError, match=r"contains `n_x`, which is neither a coordinate"):
        spd.Problem(domain=ring, equations=[Eq(spd.laplacian(u), spd.normal(x)[0])])
