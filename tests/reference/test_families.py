"""Reference solvers of families against closed forms and against other discretisations."""

import numpy as np
import pytest
from scipy.sparse import diags, eye, kron
from scipy.sparse.linalg import spsolve

from spindle.reference.advection import advection_diffusion
from spindle.reference.reaction import convection_diffusion_reaction


@pytest.mark.parametrize(("beta", "rho"), [(1.0, 2.0), (2.5, 0.7)])
def test_without_diffusion_the_logistic_map_is_carried_along(beta, rho):
    found = convection_diffusion_reaction(beta, 0.0, rho)
    t, x = np.meshgrid(*found.axes.values(), indexing="ij")
    start, growth = 1 + np.sin(x - beta * t), np.exp(rho * t)
    wanted = start * growth / (1 + start * (growth - 1))
    assert np.abs(found.values - wanted).max() < 1e-8


def test_without_reaction_the_wave_is_damped():
    found = convection_diffusion_reaction(2.0, 0.3, 0.0)
    t, x = np.meshgrid(*found.axes.values(), indexing="ij")
    assert np.abs(found.values - 1 - np.exp(-0.3 * t) * np.sin(x - 2 * t)).max() < 1e-12


def test_steps_converge_at_fourth_order():
    fine = convection_diffusion_reaction(1.0, 0.2, 2.0, step=1e-3).values
    steps = (1 / 32, 1 / 64)
    errors = [np.abs(convection_diffusion_reaction(1.0, 0.2, 2.0, step=h).values - fine).max() for h in steps]
    assert 3.5 < np.log2(errors[0] / errors[1]) < 4.7


def differences(nu, theta, n):
    """Second-order central differences on n - 1 inner nodes an axis."""
    h, size = 1 / n, n - 1
    second = diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(size, size)) / h**2
    first = diags([-1.0, 1.0], [-1, 1], shape=(size, size)) / (2 * h)
    along = [-nu * second + speed * first for speed in (np.cos(theta), np.sin(theta))]
    matrix = kron(along[0], eye(size)) + kron(eye(size), along[1])
    return spsolve(matrix.tocsc(), np.ones(size * size)).reshape(size, size)


@pytest.mark.parametrize(("nu", "theta"), [(0.1, 0.6), (1.0, 1.3)])
def test_chebyshev_agrees_with_extrapolated_differences(nu, theta):
    nodes = np.linspace(0, 1, 41)[1:-1]
    found = advection_diffusion(nu, theta, x=nodes, y=nodes)
    coarse, fine = differences(nu, theta, 80)[1::2, 1::2], differences(nu, theta, 160)[3::4, 3::4]
    extrapolated = (4 * fine - coarse) / 3
    assert np.linalg.norm(found.values - extrapolated) < 2e-4 * np.linalg.norm(extrapolated)
    assert found.relative_error < 1e-6
