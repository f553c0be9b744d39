"""Learned functions of one coordinate, with nothing set but the network."""

import numpy as np
import pytest
from sympy import Eq, cos, exp, pi, sin

import spindle as spd
from spindle.adaptivity.ranks import MoreProducts
from spindle.gallery.registry import gallery

x, y, z = spd.coordinates("x y z")


def waves(fast):
    """Linear, its source a product with `fast` on the first axis."""
    u = spd.unknown("u", x, y)
    return spd.Problem(
        domain=spd.Box({x: (-1, 1), y: (-1, 1)}),
        equations=[Eq(spd.laplacian(u), sin(fast * x) * cos(y))],
        conditions=[spd.Dirichlet(u, 0)],
    )


@pytest.mark.parametrize("fast", [12.0, 30.0])
def test_first_layers_reach_the_waves_of_the_source_and_nodes_resolve_them(fast):
    settings = spd.SPINN(network="mlp").plan(waves(fast)).settings
    assert 0.8 * fast < settings.frequency[0] < 1.6 * fast
    assert settings.frequency[1] == 8
    assert all(n >= 7 * w for n, w in zip(settings.points, settings.frequency, strict=True))
    assert settings.width[0] >= settings.width[1]


def test_what_is_given_is_kept_and_the_rest_follows():
    problem = waves(12.0)
    coarse = spd.SPINN(network="mlp", points=40).plan(problem).settings
    assert coarse.points == 40 and max(coarse.frequency) <= 40 / 7
    slow = spd.SPINN(network="mlp", frequency=(3, 5)).plan(problem).settings
    assert slow.frequency == (3.0, 5.0) and slow.points[0] < slow.points[1]
    with pytest.raises(spd.MethodError, match="1 numbers for a problem of 2 axes"):
        spd.SPINN(network="mlp", frequency=(3,)).plan(problem)


def test_sums_over_a_grid_lower_its_nodes_and_the_frequencies_with_them():
    u = spd.unknown("u", x, y, z)
    problem = spd.Problem(
        domain=spd.Box({x: (-1, 1), y: (-1, 1), z: (-1, 1)}),
        equations=[Eq(spd.laplacian(u) + exp(u), sin(20 * x))],
        conditions=[spd.Dirichlet(u, 0)],
    )
    settings = spd.SPINN(network="mlp").plan(problem).settings
    assert np.prod(settings.points) < 2e5
    assert all(n >= 7 * w for n, w in zip(settings.points, settings.frequency, strict=True))


def test_the_rank_begins_with_the_products_of_the_source():
    stages = spd.SPINN(network="mlp").plan(waves(3.0)).schedule.stages
    assert [s.refine.rank for s in stages if isinstance(s.refine, MoreProducts)] == [4, 8, 16]
    (sentence,) = [s for s in spd.SPINN(network="mlp").plan(waves(3.0)).choices if "products" in s]
    assert sentence == "products of learned functions: 1, 4, 8, 16, as long as more of them pay"
    alone = spd.SPINN(network="mlp", rank=3).plan(waves(3.0)).schedule.stages
    assert not any(isinstance(s.refine, MoreProducts) for s in alone)


def wave_on_a_ring():
    """1 + sin(y - 5 x), periodic along y, from the data at x = 0."""
    u = spd.unknown("u", x, y)
    return spd.Problem(
        domain=spd.Box({x: (0, 1), y: (0, 2 * pi)}),
        equations=[Eq(u.diff(x) + 5 * u.diff(y), 0)],
        conditions=[spd.Dirichlet(u, 1 + sin(y), on=Eq(x, 0)), spd.Periodic(u, y)],
        reference={u: 1 + sin(y - 5 * x)},
    )


def test_inputs_of_a_periodic_axis_are_waves_already_and_its_nodes_resolve_all_harmonics():
    settings = spd.SPINN(network="mlp").plan(wave_on_a_ring()).settings
    assert settings.frequency == (8.0, 1.0)
    assert settings.points[1] >= 7 * np.pi * settings.harmonics
    assert settings.points[0] < settings.points[1]


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["sin", "tanh"])
def test_periodic_axes_are_learned_too(activation):
    method = spd.SPINN(network="mlp", activation=activation)
    assert spd.solve(wave_on_a_ring(), method, progress=False).error() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["sin", "tanh"])
@pytest.mark.parametrize("network", ["mlp", "modified"])
def test_nothing_but_the_network_is_set(network, activation):
    method = spd.SPINN(network=network, activation=activation)
    assert spd.solve(gallery("poisson2d", m=2, n=3), method, progress=False).error() < 1e-5
