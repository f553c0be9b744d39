"""The figures of low-rank families: networks that are compared are one function, rows and pictures are complete."""

import jax
import jax.numpy as jnp
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

import spindle as spd
from spindle.experiments.lowrank_figures import FIGURES, MultipliedOut, step_milliseconds
from spindle.experiments.lowrank_training import FAMILIES, SCALES, scale_named
from spindle.gallery.registry import gallery
from spindle.networks.lowrank import low_rank_network

KEYS = {"cell", "published", "measured", "unit", "share", "seconds", "note"}


def silent(text, markup=False):
    assert isinstance(text, str) and not markup


def test_multiplied_out_weights_are_those_of_the_factors():
    network = low_rank_network(
        2, 1, width=30, hidden=3, rank=4, act="tanh", frequency=1.0, initial="glorot", biases="off",
        key=jax.random.PRNGKey(0),
    )  # fmt: skip
    rng = np.random.default_rng(0)
    h, s = rng.normal(size=(5, 2)), [jnp.asarray(rng.uniform(1, 3, 4)) for _ in range(3)]
    np.testing.assert_allclose(MultipliedOut(network)(h, s), network(h, s), rtol=1e-4, atol=1e-5)


def test_times_of_a_step_are_positive():
    found = step_milliseconds(60, 4)
    assert set(found) == {"reduced", "factored, few points", "factored", "multiplied out"}
    assert min(found.values()) > 0


def test_sizes_say_what_is_smaller():
    assert scale_named("full").note == "" and scale_named("full").learning_rate == 1e-3
    assert "width 200 of 4000" in scale_named("default").note
    with pytest.raises(spd.MethodError, match="no size `fast`"):
        scale_named("fast")
    for scale in SCALES.values():
        for family in FAMILIES:
            assert scale.method(family.problem).resolved(gallery(family.problem)).steps == scale.steps


@pytest.mark.parametrize("name", FIGURES)
def test_pictures_are_drawn_from_rows(name):
    matplotlib.use("Agg")
    unit = "ms" if name == "F3" else "relative L2"
    cells = [f"{f.case(0)}, {what}" for f in FAMILIES for what in ("FastLRNR", "LRNR")]
    rows = [{"cell": c, "unit": unit, "measured": 1.0, "published": None, "curve": [(0, 0.5), (1, 0.4)]} for c in cells]
    figure, axes = plt.subplots(1, 2)
    FIGURES[name][1](rows, axes)
    assert axes[0].has_data()
    plt.close(figure)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::spindle.SolveWarning")
def test_the_smallest_figures_are_whole():
    for name, (compute, _) in FIGURES.items():
        rows = compute("quick", silent)
        assert all(set(row) - {"curve"} == KEYS and np.isfinite(row["measured"]) for row in rows), name
        if name == "F2":
            assert len(rows) == 2 * 2 * SCALES["quick"].cases
            assert all(row["curve"][-1][0] == 399 for row in rows)
