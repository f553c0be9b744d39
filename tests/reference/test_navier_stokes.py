"""Decaying turbulence: flows that decay exactly, orders of convergence, balances, and the functions of the start."""

import pickle
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spindle.reference.navier_stokes import (
    decaying_turbulence,
    evolve,
    initial_functions,
    initial_series,
    initial_vorticity,
    on_nodes,
    random_vorticity,
    resized,
    sampled,
    stream_series,
    to_grid,
    to_series,
    velocity_series,
    wavenumbers,
)

NU = 0.01
NUMBERS = (0, 1, 2)


def norm(series):
    """Root mean square of the field; columns ky > 0 stand for their conjugates too."""
    return np.sqrt(np.sum(np.where(np.arange(series.shape[-1]) > 0, 2, 1) * np.abs(series) ** 2))


@pytest.fixture(scope="module")
def coarse():
    """A solution of few modes, at many times."""
    t = np.linspace(0, 0.2, 201)
    return t, evolve(initial_series(1), t, NU, 42, 1e-3)


# ------------------------------------------------------------------------------------------------ the initial states


@pytest.mark.parametrize("number", NUMBERS)
def test_the_file_holds_what_the_generator_makes(number):
    np.testing.assert_allclose(initial_series(number), random_vorticity(number), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("number", NUMBERS)
def test_initial_states_are_as_in_the_paper(number):
    w = initial_series(number)
    u, v = (to_grid(c, 1024) for c in velocity_series(w))
    assert np.sqrt(np.max(u**2 + v**2)) == pytest.approx(5, rel=2e-4)
    assert 19 < np.abs(to_grid(w, 1024)).max() < 26
    k = np.hypot(*wavenumbers(10))
    assert np.all(w[k > 10] == 0) and w[0, 0] == 0
    shells = [norm(np.where((k > a) & (k <= b), w, 0)) for a, b in pairwise((0.5, 1.5, 4.5, 8.5, 10.5))]
    assert max(shells) == shells[1], "the peak is at wavenumber three"


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.usefixtures("float64")
def test_functions_agree_with_the_transforms(number):
    x = 2 * np.pi * np.arange(24) / 24
    w = initial_series(number)
    fields = (stream_series(w), *velocity_series(w), w)
    for function, series in zip(initial_functions(number), fields, strict=True):
        found = function(jnp.asarray(x).reshape(1, -1, 1), jnp.asarray(x).reshape(1, 1, -1))
        np.testing.assert_allclose(found[0], on_nodes(series, 24), atol=1e-12)
        x_cloud, y_cloud = jnp.asarray(np.random.default_rng(0).uniform(0, 7, (2, 30)))
        kx, ky = wavenumbers(10)
        waves = np.exp(1j * (kx * x_cloud[:, None, None] + ky * y_cloud[:, None, None]))
        solve_nodal = np.sum((np.where(ky > 0, 2, 1) * series * waves).real, axis=(1, 2))
        np.testing.assert_allclose(function(x_cloud, y_cloud), solve_nodal, atol=1e-12)
    np.testing.assert_allclose(initial_vorticity(number, 24), on_nodes(w, 24))


def partial(function, argument):
    """The derivative, elementwise, by forward mode, as `spd.given` takes it."""

    def derivative(x, y):
        tangents = [jnp.ones_like(z) if k == argument else jnp.zeros_like(z) for k, z in enumerate((x, y))]
        return jax.jvp(function, [x, y], tangents)[1]

    return derivative


@pytest.mark.parametrize("shapes", [((50,), (50,)), ((1, 7, 1), (1, 1, 8))])
@pytest.mark.usefixtures("float64")
def test_functions_are_differentiated(shapes):
    rng = np.random.default_rng(1)
    x, y = (jnp.asarray(rng.uniform(0, 2 * np.pi, shape)) for shape in shapes)
    _, u0, v0, w0 = initial_functions(2)
    np.testing.assert_allclose(partial(v0, 0)(x, y) - partial(u0, 1)(x, y), w0(x, y), atol=1e-12)
    np.testing.assert_allclose(partial(u0, 0)(x, y) + partial(v0, 1)(x, y), jnp.zeros_like(w0(x, y)), atol=1e-12)
    laplacian = partial(partial(u0, 0), 0)(x, y) + partial(partial(u0, 1), 1)(x, y)
    np.testing.assert_allclose(laplacian, -partial(w0, 1)(x, y), atol=1e-10)


def test_functions_keep_shape_and_precision_and_multiply_per_axis():
    _, u0, *_ = initial_functions(0)
    x, y = jnp.zeros((1, 300, 1)), jnp.zeros((1, 1, 400))
    assert u0(x, y).shape == (1, 300, 400) and u0(x, y).dtype == jnp.float32
    assert u0(jnp.zeros((5, 1)), jnp.zeros(4)).shape == (5, 4)
    assert u0(1, 2) == pytest.approx(u0(1.0, 2.0))
    largest = max(
        value.aval.size for equation in jax.make_jaxpr(u0)(x, y).eqns for value in (*equation.invars, *equation.outvars)
    )
    assert largest == 300 * 400, "no array of all nodes and waves"
    assert initial_functions(0) is initial_functions(0), "one function is one in SymPy too"
    assert pickle.loads(pickle.dumps(u0))(0.3, 0.4) == u0(0.3, 0.4)


def test_refuses_an_unknown_state():
    with pytest.raises(ValueError, match=r"no stored initial state of number 3; they are numbered 0 to 2\. .*others"):
        initial_vorticity(3, 16)


# --------------------------------------------------------------------------------------------------------- the solver


@pytest.mark.parametrize("modes", [12, 21])
def test_vorticities_of_one_wavelength_decay_exactly(modes):
    """Taylor and Green's vortex, 2 cos 3x cos 3y, and one of the waves (5, 0), (3, 4), (-4, 3): `Lap w = -k^2 w`."""
    x = 2 * np.pi * np.arange(64) / 64
    x, y = x[:, None], x
    green = 2 * np.cos(3 * x) * np.cos(3 * y)
    mixed = np.cos(5 * x) + 2 * np.sin(3 * x + 4 * y) - 3 * np.cos(-4 * x + 3 * y + 1)
    for start, square in ((10 * green, 18), (10 * mixed, 25)):
        found = evolve(to_series(start, modes), np.array([0.3, 1.0]), NU, modes, 0.01)
        for w, t in zip(found, (0.3, 1.0), strict=True):
            np.testing.assert_allclose(to_grid(w, 64), start * np.exp(-NU * square * t), atol=1e-11)


@pytest.mark.usefixtures("float64")
def test_the_first_slope_is_that_of_the_equation():
    """By the functions of the start and their derivatives, which know nothing of the solver."""
    h = 1e-4
    frames = evolve(initial_series(0), h * np.arange(5.0), NU, 42, h)
    slope = np.tensordot([-25 / 12, 4, -3, 4 / 3, -1 / 4], frames, 1) / h
    _, u0, v0, w0 = initial_functions(0)
    x = jnp.asarray(2 * np.pi * np.arange(30) / 30)[:, None]
    y = x.T
    laplacian = partial(partial(w0, 0), 0)(x, y) + partial(partial(w0, 1), 1)(x, y)
    wanted = NU * laplacian - u0(x, y) * partial(w0, 0)(x, y) - v0(x, y) * partial(w0, 1)(x, y)
    np.testing.assert_allclose(on_nodes(slope, 30), wanted, atol=1e-6 * np.abs(wanted).max())


def test_order_four_in_time():
    frames = [evolve(initial_series(0), np.array([0.5]), NU, 32, step) for step in (0.01, 0.005, 0.0025)]
    first, second = (norm(a - b) for a, b in pairwise(frames))
    assert np.log2(first / second) == pytest.approx(4, abs=0.15)


@pytest.mark.parametrize("number", NUMBERS)
def test_modes_converge_spectrally(number):
    series = [evolve(initial_series(number), np.array([0.1]), NU, modes, 0.0025) for modes in (21, 42, 84)]
    resized_ = [resized(s[0], 84) for s in series]
    errors = [norm(s - resized_[2]) / norm(resized_[2]) for s in resized_[:2]]
    assert errors[1] < errors[0] / 50 and errors[1] < 1e-4, f"errors {errors}"


@pytest.mark.slow
def test_the_default_is_right_to_a_millionth():
    """Half as many modes again and half the step."""
    t = np.linspace(0, 0.5, 6)
    found = evolve(initial_series(1), t, NU, 106, 1 / 300)
    finer = evolve(initial_series(1), t, NU, 159, 1 / 600)
    errors = [norm(resized(a, 159) - b) / norm(b) for a, b in zip(found, finer, strict=True)]
    assert max(errors) < 1e-6, f"errors {errors}"


def test_energy_falls_by_dissipation(coarse):
    """`dE/dt = -nu mean w^2`, exactly so for the series; Simpson's rule in time."""
    t, frames = coarse
    energy = np.array([sum(norm(c) ** 2 for c in velocity_series(w)) / 2 for w in frames])
    rule = np.where(np.arange(t.size) % 2, 4, 2) * (t[1] - t[0]) / 3
    rule[[0, -1]] /= 2
    lost = NU * rule @ [norm(w) ** 2 for w in frames]
    assert energy[0] - energy[-1] == pytest.approx(lost, rel=1e-7)
    assert np.all(np.diff(energy) < 0)


def test_enstrophy_falls_and_the_mean_stays_zero(coarse):
    _, frames = coarse
    assert np.all(np.diff([norm(w) for w in frames]) < 0)
    assert np.abs(frames[:, 0, 0]).max() < 1e-13
    conjugate = frames[:, -1:0:-1, 0].conj()
    np.testing.assert_allclose(frames[:, 1:, 0], conjugate, atol=1e-12, err_msg="the fields are real")


def test_velocity_belongs_to_the_vorticity(coarse):
    kx, ky = wavenumbers(42)
    u, v = velocity_series(coarse[1][-1])
    np.testing.assert_allclose(kx * u + ky * v, 0, atol=1e-13)
    np.testing.assert_allclose(1j * kx * v - 1j * ky * u, coarse[1][-1], atol=1e-12)


@pytest.mark.parametrize("points", [9, 33, 129])
def test_few_nodes_are_nodes_of_many(points):
    frames = evolve(initial_series(0), np.array([0.0, 0.05]), NU, 42, 0.005)
    many, few = sampled(frames, 257), sampled(frames, points)
    np.testing.assert_allclose(few, many[..., :: 256 // (points - 1), :: 256 // (points - 1)], atol=1e-11)
    np.testing.assert_array_equal(few[..., -1, :], few[..., 0, :])
    np.testing.assert_array_equal(few[..., :, -1], few[..., :, 0])


def test_tables():
    t = [0.0, 0.013, 0.1]
    found = decaying_turbulence(1, t, points=33, modes=42, step=0.005)
    assert list(found) == ["u", "v", "w"]
    for table in found.values():
        assert list(table.axes) == ["t", "x", "y"] and table.values.shape == (3, 33, 33)
        np.testing.assert_array_equal(table.axes["t"], t)
        np.testing.assert_allclose(table.axes["x"], 2 * np.pi * np.arange(33) / 32)
        assert not table.values.flags.writeable
    np.testing.assert_allclose(found["w"].values[0, :-1, :-1], initial_vorticity(1, 32), atol=1e-12)
    assert decaying_turbulence(1, t, 33, modes=42, step=0.005)["u"] is found["u"], "kept"


def test_the_estimate_bounds_the_error():
    t = [0.1, 0.2]
    found = decaying_turbulence(2, t, points=65, modes=48, step=0.005)
    finer = sampled(evolve(initial_series(2), np.array(t), NU, 85, 0.0025), 65)
    for table, values in zip(found.values(), finer, strict=True):
        error = np.linalg.norm(table.values - values) / np.linalg.norm(values)
        assert error < table.relative_error < 1e-2


def test_uneven_times_give_the_same_frames():
    even, uneven = (
        evolve(initial_series(0), np.array(t), NU, 32, 0.002) for t in ([0.1, 0.2], [0.013, 0.1, 0.17, 0.2])
    )
    np.testing.assert_allclose(uneven[[1, 3]], even, atol=1e-7 * norm(even[0]))
