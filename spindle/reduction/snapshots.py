"""Hidden states of a low-rank network, and their derivatives, over members and points of a family."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from spindle.networks.lowrank import FamilyField
from spindle.networks.taylor import Index, Jet


def hidden_states(field: FamilyField, points, coefficients: Sequence) -> list:
    """The states after each activation at points (n, d), array or jet, the first layer's first."""
    network, coordinates = field.network, list(field.axes[0])
    h = network.act(network.first(field.embedding(points[:, coordinates])))
    states = [h]
    for layer, s in zip(network.hidden, coefficients, strict=True):
        states.append(network.act(layer(states[-1], s)))
    return states


def snapshots(
    field: FamilyField, points: np.ndarray, coefficients: Sequence[np.ndarray], indices: tuple[Index, ...]
) -> list[np.ndarray]:
    """For each hidden state a matrix (M, columns): values and derivatives at points (n, d), one row of s a point.

    indices   the derivatives, multi-indices with the value first

    The chain rule of the reduced network interpolates derivatives of states as it does states, so both must lie in the
    span of the basis. Derivatives are scaled to the size of the values, so that one tolerance suits all.
    """

    @eqx.filter_jit
    def states(points, coefficients):
        jet = Jet.variables(points, indices)
        return [[state.derivative(i) for i in indices] for state in hidden_states(field, jet, coefficients)]

    states_by_lane = states(jnp.asarray(points), [jnp.asarray(s) for s in coefficients])
    return [np.concatenate([np.asarray(lane).T for lane in _balanced(lanes)], axis=1) for lanes in states_by_lane]


def shifted_snapshots(
    field: FamilyField, points: np.ndarray, coefficients: Sequence[np.ndarray], step: float = 1e-4
) -> list[np.ndarray]:
    """The snapshots from values alone, at the points and at points moved along each axis by +-`step`, as published."""
    axes = len(field.axes[0])
    unit = step * np.eye(points.shape[1])[:axes]
    moves = np.concatenate([0 * unit[:1], unit, -unit])
    around = np.concatenate([points + move for move in moves])
    repeated = [jnp.asarray(np.tile(s, (len(moves), 1))) for s in coefficients]
    hidden = jax.jit(lambda p, s: hidden_states(field, p, s))(jnp.asarray(around), repeated)
    return [np.asarray(state).T for state in hidden]


def _balanced(lanes):
    """The derivatives scaled so that each has the mean square of the values."""
    size = jnp.linalg.norm(lanes[0])
    tiny = jnp.finfo(lanes[0].dtype).tiny
    return [lanes[0], *(lane * (size / (jnp.linalg.norm(lane) + tiny)) for lane in lanes[1:])]
