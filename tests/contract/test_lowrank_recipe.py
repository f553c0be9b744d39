"""`recipe="paper"` of the low-rank methods against the publication, entry by entry.

Cho et al. (2024), arXiv 2410.04001, sections 2 to 5, and the code beside it (dsrim/FastLRNR, Zenodo 13892195); marks in
the tables say which of the two an entry is from.
"""

import inspect

import equinox as eqx
import jax
import numpy as np
import pytest

import spindle as spd
from spindle.experiments.lowrank_training import FAMILIES
from spindle.gallery.registry import gallery
from spindle.methods.lowrank import GAMMA
from spindle.problem.families import with_parameter_axes
from spindle.reduction.adam import fast_path, fine_tuning_path

D1, D2 = "convection_family", "convection_diffusion_reaction"
METHODS = (spd.LRPINN, spd.FastLRNR)

SHARED = {
    "width": 4000,  # code
    "rank": 100,  # code, as the evaluation expects
    "hidden_layers": 3,  # code: 2 -> M dense, three low-rank ones, M -> 1 dense
    "activation": "tanh",  # paper
    "biases": "off",  # code
    "initial": "uniform",  # code: entries of the bases uniform in [0, 1 / M]
    "scale_inputs": False,  # code: x, t and the parameters as they are
    "hyper_width": 100,  # code: 3 -> r -> r -> r, tanh, and heads r -> r
    "hyper_layers": 3,
    "positive": "relu",  # paper, (3.1)
    "hard": "off",  # paper, (3.2): all conditions in the loss
    "points": 1000,  # code, a member
    "lattice": (100, 256),  # code: t and x
    "resample": 0,  # code
    "balance": 0,
    "weights": {},  # code: all 1
    "orthogonality": "published",  # code: divided by r^2, added four times
    "ordering": "rank",  # paper, (3.3); the code shifts along the points
    "steps": 20_000,  # code
    "learning_rate": 1e-3,  # code
    "schedule": "plateau",  # code: 0.95, patience 100, relative threshold 1e-3, at least 1e-6
    "lbfgs_steps": 0,
    "newton_steps": 0,
    "dtype": "float32",  # code
    "tuning_steps": 399,  # code: 400 epochs of which 399 update
    "guard": False,  # code
    "unfreeze": False,  # paper, (2.4)
}
BY_METHOD = {
    spd.LRPINN: {"phase": "fine-tuning"},  # paper, (3.5)
    spd.FastLRNR: {
        "phase": "published",  # paper, (3.6), (3.7)
        "neurons": 5,  # code
        "selection": "deim",  # paper, (2.7)
        "snapshots": "shifted",  # code
        "snapshot_points": (3, 4),  # code: t and x
        "query_points": (3, 4),  # code
    },
}
BY_FAMILY = {
    D1: {"tasks": {"beta": tuple(map(float, range(1, 21)))}, "sparsity": 1e-6},  # code
    D2: {"tasks": {"beta": (1, 2, 3), "nu": (0, 1, 2), "rho": (0, 1, 2)}, "sparsity": 1e-4},  # code
}
SNAPSHOT_MEMBERS = {D1: (500,), D2: (4, 4, 4)}  # code

# Code: parameters of the test cases, and the weights chosen for them by hand.
CONVECTION = """6.1470 6.6476 5.9060 5.3717 6.6356 7.3592 5.1406 5.8535 5.9561 7.1988
                1.10 1.24 1.02 1.02 1.18 17.60 1.00 1.02 1.02 12.30"""
REACTION = """1.3721 0.4510 1.1486 0.30
              2.5048 1.3227 0.2281 1.48
              2.1847 1.7691 0.4941 0.40
              1.1235 0.7791 1.6849 0.14
              1.3742 1.4944 0.5157 0.48
              2.8795 1.6482 0.9436 0.30
              2.9044 0.8518 0.0477 2.74
              1.7794 1.1514 0.8781 1.56
              2.5611 1.6267 0.0064 0.14
              2.4365 0.1075 1.5245 0.22"""


@pytest.fixture(scope="module", params=[D1, D2])
def family(request):
    return with_parameter_axes(gallery(request.param))


@pytest.mark.parametrize("method", METHODS)
def test_every_setting_is_the_published_one(family, method):
    decided, _ = method(recipe="paper").decide(family)
    published = SHARED | BY_METHOD[method] | BY_FAMILY[family.name]
    if method is spd.FastLRNR:
        published["members"] = SNAPSHOT_MEMBERS[family.name]
    assert {name: getattr(decided, name) for name in published} == published
    assert GAMMA == 1.25  # code


def numbers_in(tree):
    return sum(np.prod(leaf.shape) for leaf in jax.tree.leaves(tree) if hasattr(leaf, "shape"))


def test_numbers_of_parameters(family):
    """2,466,901, of which the hypernetwork has 50,900; without two inputs that are always zero, 200 fewer."""
    plan = spd.FastLRNR(recipe="paper").plan(family)
    field = eqx.filter_eval_shape(plan.build, jax.random.PRNGKey(0)).field
    fewer = 200 if family.name == D1 else 0
    assert numbers_in(field) == 2_466_901 - fewer
    assert numbers_in(field.hyper) == 50_900 - fewer
    assert sum(layer.rank for layer in field.network.hidden) == 300


def test_members_and_their_points(family):
    """1000, 256 and 100 of each member, the same for all; 20 members, or 27, of which the code loads one twice."""
    plan = spd.LRPINN(recipe="paper", width=4, rank=2, hyper_width=2).plan(family)
    inside, start, *ends = (np.asarray(p) for p in jax.jit(plan.objective.draw)(jax.random.PRNGKey(0)).points)
    count = 20 if family.name == D1 else 27
    assert [len(p) for p in (inside, start, *ends)] == [1000 * count, 256 * count, 100 * count, 100 * count]
    assert plan.objective.names == ("equation", "initial u", "periodic u in x", "orthogonality", "decay")
    assert plan.weights["orthogonality"] == 4 / 2**2 and plan.weights["decay"] == BY_FAMILY[family.name]["sparsity"]
    members = inside.reshape(count, 1000, -1)
    np.testing.assert_array_equal(members[..., :2], np.broadcast_to(members[0, :, :2], (count, 1000, 2)))
    t, x = members[0, :, 0] * 99, members[0, :, 1] / (2 * np.pi / 256)
    np.testing.assert_allclose([t, x], np.round([t, x]), atol=1e-4)
    assert t.min() >= 1 and 1 <= x.min() <= x.max() <= 255.01, "nodes of the start and of the ends are no inner ones"
    assert len(np.unique(np.round(t) * 256 + np.round(x))) == 1000


def test_the_points_of_a_query_are_those_of_the_grid(family):
    """Inside x = 2 pi / 3, 4 pi / 3 at t = 1/2, 1; the start at all four x."""
    reduction = spd.FastLRNR(recipe="paper", width=4, rank=2, hyper_width=2).plan(family).reduction
    (inside, _), (start, _), *_ = reduction.query_points(None, None, None, None)
    third = 2 * np.pi / 3
    np.testing.assert_allclose(inside[:, :2], [(t, x) for t in (0.5, 1) for x in (third, 2 * third)])
    np.testing.assert_allclose(start[:, :2], [(0, k * third) for k in range(4)])


def test_first_weights():
    """Bases uniform in [0, 1 / M], dense layers as in PyTorch, uniform in +-1 / sqrt(inputs), biases alike."""
    plan = spd.LRPINN(recipe="paper", width=50, rank=20, hyper_width=7).plan(with_parameter_axes(gallery(D2)))
    field = plan.build(jax.random.PRNGKey(1)).field
    for layer in field.network.hidden:
        for basis in map(np.asarray, (layer.left, layer.right)):
            assert 0 <= basis.min() < 0.001 and 0.0196 < basis.max() <= 0.02
    for dense in (field.network.first, field.network.last, *field.hyper.body, *field.hyper.heads):
        bound = len(dense.weight) ** -0.5
        for weights in map(np.asarray, (dense.weight, dense.bias)):
            assert np.abs(weights).max() <= bound
        assert np.abs(dense.weight).max() > 0.7 * bound


def test_rates_of_queries():
    """Code: 2.5e-5 of the fast phase, 5e-5 of the fine-tuning."""
    rates = {path: inspect.signature(path).parameters["rate"].default for path in (fast_path, fine_tuning_path)}
    assert rates == {fast_path: 2.5e-5, fine_tuning_path: 5e-5}


def test_cases_and_their_weights():
    first, second = FAMILIES
    betas, weights = np.array(CONVECTION.split(), float).reshape(2, 10)
    np.testing.assert_array_equal(first.tests, np.stack([betas, 0 * betas, 0 * betas], 1))
    np.testing.assert_array_equal(first.localities, weights)
    rows = np.array(REACTION.split(), float).reshape(10, 4)
    np.testing.assert_array_equal(np.column_stack([second.tests, second.localities]), rows)
