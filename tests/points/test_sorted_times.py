"""Sorted times: random instants in their order, each with the same random places."""

import jax
import numpy as np
import pytest
from sympy import Eq

import spindle as spd

t, x, y = spd.coordinates("t x y")
u, v = spd.unknown("u", t, x, y), spd.unknown("v", t, x, y)
PAPER = {"recipe": "paper", "points": (6, 2, 5), "width": 4, "hidden_layers": 1}


def prepared(domain, **settings):
    problem = spd.Problem(
        domain, {"a": Eq(u.diff(t), v), "b": Eq(v.diff(t), spd.laplacian(u))}, [spd.Initial(u, x), spd.Dirichlet(v, t)]
    )
    plan = spd.CausalPINN(**PAPER | settings).plan(problem)
    cloud = plan.objective.derivatives.points
    return plan, cloud, [np.asarray(points) for points in jax.jit(cloud.draw)(jax.random.PRNGKey(3))]


BOX, TUBE = spd.Box({t: (1, 3), x: (0, 1), y: (0, 1)}), spd.Interval(t, 1, 3) * spd.Disk({x: 0, y: 0}, 1)


@pytest.mark.parametrize("domain", [BOX, TUBE])
def test_instants_are_sorted_and_places_the_same_at_each(domain):
    plan, cloud, drawn = prepared(domain)
    first, second = drawn[:2]
    np.testing.assert_array_equal(first, second, "both equations are taken at the same points")
    times, places = first[:, 0].reshape(6, 10), first[:, 1:].reshape(6, 10, 2)
    assert (times == times[:, :1]).all()
    assert (np.diff(times[:, 0]) > 0).all()
    assert times.min() >= 1 and times.max() <= 3
    assert (places == places[:1]).all()
    assert len(np.unique(places[0], axis=0)) > 7, "those in a shape are drawn from a store, one or another twice"
    assert [cloud.size(k) for k in range(len(drawn))] == [len(points) for points in drawn]
    assert plan.settings.slabs == 6
    start = next(k for k, s in enumerate(cloud.supports) if s.is_region and s.bounds[0] == (1.0, 1.0))
    assert len(drawn[start]) == 10
    assert (drawn[start][:, 0] == 1).all()


def test_new_ones_are_drawn_in_each_step_and_each_is_a_slab():
    plan, cloud, drawn = prepared(BOX)
    assert plan.schedule.resample == 1
    assert (np.asarray(cloud.draw(jax.random.PRNGKey(4))[0]) != drawn[0]).all()
    slabs = (np.asarray(plan.objective.instants(0, None)) * 6).astype(int)
    np.testing.assert_array_equal(slabs, np.repeat(np.arange(6), 10))
    assert cloud.ranks(len(drawn) - 1) is None


def test_without_time_they_are_refused():
    w = spd.unknown("w", x, y)
    problem = spd.Problem(spd.Box({x: (0, 1), y: (0, 1)}), [spd.laplacian(w)], [spd.Dirichlet(w, x)], name="still")
    with pytest.raises(
        spd.MethodError, match=r"draws instants in their order, and `still` has no time; take `sampling="
    ):
        spd.PINN(sampling="sorted").plan(problem)
