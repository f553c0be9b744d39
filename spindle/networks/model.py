"""What is trained: a field, and the parameters that are estimated with it.

The latter are written so that what is trained is of size one. A diffusivity of 1e-5 is nothing beside the weights of a
network, and one that is a hundred times too large must not become negative on its way down. So p = s theta, s the size
of the first guess; and p = s exp(theta) where the problem is ill-posed with the other sign, which makes a step of theta
a factor.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp

from spindle.networks.fields import Field


class Estimated(eqx.Module):
    """One parameter that is trained.

    theta    the trained scalar
    size     s above: the first guess, or its modulus where the sign may change
    signed   whether the sign of the guess is kept: the value then is s exp(theta), else s theta
    """

    theta: jax.Array
    size: float = eqx.field(static=True)
    signed: bool = eqx.field(static=True)

    @property
    def value(self) -> jax.Array:
        """The value of the parameter, s theta or s exp(theta)."""
        return self.size * (jnp.exp(self.theta) if self.signed else self.theta)

    @property
    def number(self) -> float:
        """The value of the parameter as a Python float, whatever precision is set."""
        theta = float(self.theta)
        return self.size * (math.exp(theta) if self.signed else theta)

    @property
    def slope(self) -> jax.Array:
        """The derivative of the parameter by theta."""
        return self.value if self.signed else jnp.asarray(self.size, self.theta.dtype)


class Model(eqx.Module):
    """What is trained: the field, and the parameters to be estimated, by name."""

    field: Field
    estimated: dict[str, Estimated]

    @property
    def parameters(self) -> dict[str, jax.Array]:
        """The values of the parameters, as arrays that can be traced."""
        return {name: parameter.value for name, parameter in self.estimated.items()}

    @property
    def numbers(self) -> dict[str, float]:
        """The values of the parameters on the host."""
        return {name: parameter.number for name, parameter in self.estimated.items()}
