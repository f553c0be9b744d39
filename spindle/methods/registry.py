"""The methods by the names that the command line and run directories use."""

import inspect
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import sympy

from spindle.errors import MethodError, RunError, nearest, shown
from spindle.methods.base import Method
from spindle.methods.causal import CausalPINN
from spindle.methods.dtpinn import DTPINN
from spindle.methods.fastlrnr import FastLRNR
from spindle.methods.lrpinn import LRPINN
from spindle.methods.open_settings import is_code
from spindle.methods.pinn import PINN
from spindle.methods.settings import described_settings
from spindle.methods.spinn import SPINN
from spindle.problem.serialize import decode, encode
from spindle.storage.identity import identity, name_of

METHODS: dict[str, tuple[type[Method], dict[str, Any]]] = {
    "causal-pinn": (CausalPINN, {}),
    "dtpinn": (DTPINN, {}),
    "fastlrnr": (FastLRNR, {}),
    "lrpinn": (LRPINN, {}),
    "pinn": (PINN, {}),
    "pinn-mod": (PINN, {"network": "modified"}),
    "spinn": (SPINN, {}),
    "spinn-mod": (SPINN, {"network": "modified"}),
}


def method_named(name: str, settings: Mapping[str, Any], *, hint: str = "") -> Method:
    """The method of that name with these settings; `hint` is added to the refusal of a setting that does not exist.

    Raises MethodError where there is no such method, or where it has no such setting.
    """
    name = listed_name(name)
    if name not in METHODS:
        raise MethodError(f"There is no method `{name}`." + nearest(name, METHODS))
    cls, fixed = METHODS[name]
    known = [f.name for f in fields(cls)]
    for key in settings:
        if key not in known:
            raise MethodError(
                f"The method `{name}` has no setting `{key}`, so it would be ignored." + nearest(key, known) + hint
            )
    return cls(**{**fixed, **settings})


def listed_name(name: str) -> str:
    """The name under which a method is listed, of whatever case, or of its class: `SPINN`, `CausalPINN`."""
    spoken = {cls.__name__.casefold(): listed for listed, (cls, fixed) in METHODS.items() if not fixed}
    folded = name.casefold()
    return folded if folded in METHODS else spoken.get(folded, name)


def described_method(name: str) -> dict[str, Any]:
    """`{"name", "settings": {name: sentence}}` of a method."""
    return {"name": name, "settings": described_settings(METHODS[name][0])}


def method_in_words(name: str) -> str:
    """What a method is, with all its settings."""
    return inspect.getdoc(METHODS[name][0]) or name


def method_to_data(method: Method) -> dict[str, Any]:
    """`{"name", "settings"}`, JSON-ready; of a plan's settings, so that no later default can change their meaning."""
    chosen = {name: _plain(value) for name, value in method.as_dict().items()}
    return {"name": method.name, "settings": {"recipe": method.recipe, **chosen}}


def method_from_data(data: Mapping[str, Any], given: Mapping[str, Any] | None = None) -> Method:
    """The method that `method_to_data` wrote.

    given   {setting: the part of the user's that no file holds}
    Raises RunError where such a part is missing or another one.
    """
    settings = {k: _with_code(k, v, given or {}) if _is_part(v) else _rich(v) for k, v in data["settings"].items()}
    return method_named(data["name"], settings)


def settings_in_words(method: Method) -> dict[str, Any]:
    """The settings for a record, JSON-ready; objects that are no plain data in words."""
    return {name: _in_words(value) for name, value in method.as_dict().items()}


def _in_words(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _in_words(each) for name, each in value.items()}
    if isinstance(value, sympy.Basic):
        return str(value)
    return name_of(value) if is_code(value) else shown(value) if isinstance(value, np.ndarray) else value


def _is_part(value) -> bool:
    return isinstance(value, Mapping) and set(value) == {"code"}


def _with_code(name: str, value: Mapping, given: Mapping[str, Any]) -> Any:
    """The part of the user's that a setting had."""
    if name not in given:
        raise RunError(
            f"The method of this run has as its `{name}` code that no file holds, {value['code']}; pass it, "
            f"`spd.load(directory, given={{{name!r}: ...}})`, or call the same `spd.solve(..., out=directory)` again."
        )
    if identity(given[name]) != value["code"]:
        raise RunError(
            f"The method of this run has {value['code']} as its `{name}`, and `given` has {identity(given[name])}, "
            f"which would continue another run; pass what the run began with, by the same version of Python."
        )
    return given[name]


def _plain(value):
    if isinstance(value, sympy.Basic):
        return {"expression": encode(value)}
    if isinstance(value, np.ndarray):
        return {"array": value.tolist()}
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return {"code": identity(value)} if is_code(value) else value


def _rich(value):
    if isinstance(value, Mapping):
        if set(value) == {"expression"}:
            return decode(value["expression"])
        if set(value) == {"array"}:
            return np.asarray(value["array"], float)
        return {name: _rich(each) for name, each in value.items()}
    return tuple(value) if isinstance(value, list) else value


def label(method: Method) -> str:
    """The name under which the method is listed, `spinn-mod` for a SPINN with modified networks."""
    for name, (cls, fixed) in reversed(METHODS.items()):
        if type(method) is cls and all(_is_word(getattr(method, k), v) for k, v in fixed.items()):
            return name
    return method.name


def _is_word(value: Any, word: str) -> bool:
    return isinstance(value, str) and value == word
