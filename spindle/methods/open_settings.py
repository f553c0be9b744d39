"""Settings that take an object where they take a word: networks, functions, transformations and points of a user's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import numpy as np
import optax

from spindle.errors import MethodError, nearest
from spindle.methods.settings import Positive, SettingKind, Whole, alternatives, quoted, refusal, setting
from spindle.networks.activations import ACTIVATIONS, activation


@dataclass(frozen=True)
class NetworkOrWord(SettingKind):
    """One of a few words, a module, or a function of a random key that returns one.

    meanings   {word: what it means}
    """

    meanings: Mapping[str, str]

    def read(self, value, given):
        """The word or the object; raises MethodError where it is neither."""
        if isinstance(value, str) and value in self.meanings:
            return value
        if not isinstance(value, str) and callable(value):
            return value
        raise MethodError(f"`{given}` is not known." + nearest(str(value)[:100], self.meanings))

    def described(self, doc):
        """Every word with its meaning, and what else is taken."""
        words = "; ".join(f"{quoted(word)}, {meaning}" for word, meaning in self.meanings.items())
        return (
            f"{doc}: {words}; or an `equinox.Module` that maps one point (coordinates,) to (unknowns,), such as "
            f"`eqx.nn.MLP(2, 1, 32, 3, jnp.tanh, key=key)`, or a function of a random key that returns one. It is "
            f"given the scaled coordinates, or what `fourier` and periodic conditions make of them, and nested forward "
            f"mode differentiates it"
        )


@dataclass(frozen=True)
class Activation(SettingKind):
    """The name of an activation, also for networks that do without, or a function."""

    def read(self, value, given):
        """The name or the function."""
        if isinstance(value, type) or not (isinstance(value, str) or callable(value)):
            raise refusal(given, "a word, or a function of arrays such as `jax.nn.gelu`")
        activation(value)  # raises where there is none of that name
        return value

    def described(self, doc):
        """With all names."""
        names = alternatives(map(quoted, ACTIVATIONS))
        return f"{doc}: {names}; or a smooth function of arrays, such as `jax.nn.gelu`"


@dataclass(frozen=True)
class Transformation(SettingKind):
    """A gradient transformation of Optax, or a function of the learning rate that returns one."""

    def read(self, value, given):
        """The transformation or the function; raises MethodError where it is neither."""
        if is_transformation(value) or (callable(value) and not isinstance(value, str)):
            return value
        raise refusal(
            given,
            "a gradient transformation such as `optax.sgd(1e-2)`, or a function of the learning rate that returns one, "
            "such as `optax.lion`",
        )

    def described(self, doc):
        """With examples."""
        return (
            f"{doc}: a gradient transformation of Optax, `optax.sgd(1e-2)`, or a function of the learning rate, which "
            f"follows `learning_rate` and `schedule` then, `optax.lion`"
        )


@dataclass(frozen=True)
class Rate(SettingKind):
    """A positive number, or a function of the step."""

    def read(self, value, given):
        """A float, or the function; raises MethodError where it is neither."""
        return value if callable(value) else Positive().read(value, given)

    def described(self, doc):
        """With the range."""
        return f"{doc} (positive), or a function of the step such as `optax.cosine_decay_schedule(1e-3, 5000)`"


@dataclass(frozen=True)
class PointsOrCounts(SettingKind):
    """A number of points, one for each axis, points themselves, or either by the names of equations and conditions."""

    def read(self, value, given):
        """An int, a tuple of ints, an array (n, d), or a dictionary of ints and arrays.

        Raises MethodError where it is none of these.
        """
        if isinstance(value, Mapping):
            if not value or not all(isinstance(name, str) for name in value):
                raise refusal(given, "a number of points, or an array of them, for each name, {'interior': 4000}")
            return {name: self._of_one(each, given) for name, each in value.items()}
        if isinstance(value, np.ndarray) or hasattr(value, "__array__"):
            return self._of_one(value, given)
        return Whole(2, 10**7, several=True).read(value, given)

    def _of_one(self, value, given) -> Any:
        if np.ndim(value) == 0:
            return Whole(1, 10**7).read(value, given)
        points = np.asarray(value)
        if points.ndim != 2 or points.dtype.kind not in "fiu" or not len(points) or not np.isfinite(points).all():
            raise refusal(given, f"points as an array of finite numbers (n, coordinates), not {points.shape}")
        return points.astype(float)

    def described(self, doc):
        """With examples."""
        return (
            f"{doc} (2 to 10,000,000); or an array (n, d) of points of all equations; or a number or an array by name, "
            f'{{"interior": 4000, "dirichlet u": 200}}, "interior" meaning all equations and "boundary" all conditions '
            f"that are not named"
        )


def is_transformation(value: Any) -> bool:
    """Whether a value is a gradient transformation of Optax."""
    return isinstance(value, optax.GradientTransformation)


def is_code(value: Any) -> bool:
    """Whether a value is code of the user's, which no file can hold."""
    formula = hasattr(value, "free_symbols")  # some of SymPy's can be called
    return isinstance(value, eqx.Module) or is_transformation(value) or (callable(value) and not formula)


@dataclass(frozen=True, kw_only=True, repr=False)
class CloudSettings:
    """What methods on clouds of points take for `points`."""

    points: Any = setting(
        PointsOrCounts(), "collocation points an axis", also={"auto": "by the number of axes"}, per_axis=True
    )


# --------------------------------------------------------------------------------- what a part of a user's makes idle

_OF_NETWORKS = ("width", "hidden_layers", "activation", "initial", "frequency")


def with_parts(call: str, given: Mapping[str, Any], complete: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a method, without those that a network, a transformation or a schedule of the user's makes idle.

    given      the settings that the user gave
    complete   all settings
    Raises MethodError where the user gave one of the idle ones, or an optimizer that would take no step.
    """
    settings, optimizer = dict(complete), complete.get("optimizer")
    if optimizer is not None and not complete.get("steps"):
        raise MethodError(
            f"`{call}(optimizer=...)` would take no step of it, since `steps` is 0 here; add for example `steps=2000`."
        )
    if given.get("balancing") not in (None, "gradient norms") and not complete.get("steps"):
        raise MethodError(
            f"`{call}(balancing={given['balancing']!r})` adapts weights in steps of Adam, and `steps` is 0 here; add "
            f"for example `steps=2000`."
        )
    idle: dict[str, tuple[str, str]] = {}
    if not isinstance(complete.get("network"), (str, type(None))):
        idle |= dict.fromkeys(_OF_NETWORKS, ("network", "a module that is given has its own"))
    if is_transformation(optimizer):
        idle |= dict.fromkeys(("learning_rate", "schedule"), ("optimizer", "a transformation has its own"))
    elif callable(complete.get("learning_rate")):
        idle["schedule"] = ("learning_rate", "a function of the step is a schedule itself")
    for name, (part, why) in idle.items():
        if given.get(name) is not None:
            raise MethodError(
                f"`{call}({part}=..., {name}=...)` has no use for `{name}`: {why}; leave one of them out."
            )
        settings[name] = None
    return settings
