"""Run directories: one folder holds the problem, the method, the seed, the versions, the state and the solution.

run.json         problem name, method, seed, versions, fingerprint, and the record once the run has ended
problem.npz      the problem as data, with its measurements and tabulated references
checkpoint.npz   everything training changes, for an exact continuation
solution.npz     the trained numbers
reduction.npz    of a family: the reduced network and the points of a query
window01/ ...    of a run in windows: checkpoint and numbers of each
.lock            held by the process that writes

Every file is written whole or not at all. Numbers bear the fingerprint of their run, so that those of another one that
got into the directory are refused.
"""

import hashlib
import importlib.metadata
import json
import math
import operator
import os
import platform
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import singledispatch
from pathlib import Path
from typing import Any

import jax
import numpy as np
from sympy.core.function import AppliedUndef

from spindle.errors import MethodError, RunError, shown
from spindle.gallery.registry import GALLERY, gallery
from spindle.methods.base import Method, Plan
from spindle.methods.published import published
from spindle.methods.registry import method_from_data, method_to_data
from spindle.problem.families import with_parameter_axes
from spindle.problem.problem import Problem
from spindle.problem.serialize import problem_from_data, problem_to_data
from spindle.results.run_record import RUN, RunRecord
from spindle.storage.arrays import check_fingerprint, load_arrays, reading, save_arrays, write_atomically
from spindle.storage.bounded import read_regular
from spindle.storage.records import CLOCK, LOOK, check, fits
from spindle.symbolic.symbols import is_given
from spindle.training.history import Clock, History

# Of run.json; parameters that are estimated are stored in units of their first guess since the second of them.
FORMAT, ESTIMATING = 3, 4
_INFO = {"choices": list[str], "problem": str, "method": dict[str, Any], "seed": int, "fingerprint": str}
_POSED_AGAIN = (
    "solve the same problem by the same method with the same seed into this directory: a checkpoint in it is continued"
)
_WITHOUT_IT = f"remove it, and {_POSED_AGAIN}"
FINISHED_AGAIN = "remove it and resume the run, which continues the checkpoint beside it to the same numbers"


@dataclass(frozen=True)
class RunDirectory:
    """The files of one run.

    whole   of a window in time: the directory of the run that it belongs to
    """

    path: Path
    whole: "RunDirectory | None" = None

    @classmethod
    def at(cls, path) -> "RunDirectory":
        """The run directory that a user named; raises RunError where that is no name of a directory."""
        if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
            raise RunError(f'{shown(path)} is no directory for a run; give its path, for example "runs/first".')
        return cls(Path(path))

    @property
    def info(self) -> Path:
        """The description of the run."""
        return self.path / "run.json"

    @property
    def problem(self) -> Path:
        """The problem."""
        return self.path / "problem.npz"

    @property
    def checkpoint(self) -> Path:
        """The state of training."""
        return self.path / "checkpoint.npz"

    @property
    def reduction(self) -> Path:
        """What reduces a family."""
        return self.path / "reduction.npz"

    @property
    def solution(self) -> Path:
        """The trained numbers."""
        return self.path / "solution.npz"

    @property
    def has_state(self) -> bool:
        """Whether training has saved a state, in whole or in the first window."""
        states = (self.checkpoint, self.path / "slabs.npz", self.window(0).checkpoint)
        return any(state.exists() for state in states)

    def command(self, name: str) -> str:
        """The command of that name for this directory, to be typed."""
        return for_shell(["spindle", name, self.path])

    def window(self, number: int) -> "RunDirectory":
        """The files of one window in time, which has no `run.json` of its own.

        Raises RunError where its place is taken by something else than a directory.
        """
        path = self.path / f"window{number + 1:02d}"
        if path.is_symlink():
            raise RunError(
                f"{path} is a link to another folder, and a window lies in the directory of its run; put the folder "
                f"itself there, or remove the link."
            )
        return RunDirectory(path, self)

    @property
    def _span(self) -> Path:
        return self.path / "window.json"

    def keep_during(self, low: float, high: float) -> None:
        """Write down between which instants a window lies whose length was decided on the way."""
        write_json(self._span, {"from": float(low), "to": float(high)})

    def during(self) -> tuple[float, float] | None:
        """The instants that `keep_during` wrote down; None where it did not.

        Raises RunError where the file is damaged.
        """
        if not self._span.exists():
            return None
        with reading(self._span, FINISHED_AGAIN):
            span = json.loads(read_regular(self._span))
            low, high = float(span["from"]), float(span["to"])
            if not -math.inf < low < high < math.inf:
                raise ValueError(f"it lies between {low} and {high}")
        return low, high

    def forget(self) -> None:
        """Remove the files of a window that is solved anew."""
        for path in (self._span, self.solution, self.checkpoint):
            path.unlink(missing_ok=True)

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the run."""
        return (self.whole or self).read_info()["fingerprint"]

    def prepare(self, problem: Problem, plan: Plan, seed: int) -> dict:
        """Write what the run is, before it starts; returns `run.json`, the present one if it is of the same run.

        Raises RunError when the directory holds another run.
        """
        data, arrays = problem_to_data(problem)
        data["published"] = published(problem)  # in full: a later version may know others under the same name
        described = method_to_data(plan.settings)
        info: dict[str, Any] = {"format": _format(problem), "problem": problem.name, "method": described, "seed": seed}
        info |= {"start": plan.started} if plan.started else {}
        info["fingerprint"] = _fingerprint(data, arrays, info)
        if self.info.exists():
            present = self.read_info()
            if present["fingerprint"] != info["fingerprint"]:
                with reading(self.info):
                    differences = _differences(present, info)
                raise RunError(
                    f"The directory {self.path} holds another run ({differences}), and two runs cannot share one; "
                    f"choose another directory or remove it."
                )
            if not self.problem.exists():
                save_arrays(self.problem, arrays, data)
            return present
        save_arrays(self.problem, arrays, data)
        info |= {"choices": list(plan.choices), "versions": versions()}
        write_json(self.info, info)
        return info

    def finish(self, arrays: Mapping[str, np.ndarray], run: RunRecord, record: Mapping[str, Any]) -> None:
        """Write the result."""
        numbers = run.to_data()
        seconds = numbers.pop("seconds")
        meta = {"run": numbers, "seconds": seconds, "history": run.history.to_data(), "mark": self.fingerprint}
        save_arrays(self.solution, dict(arrays), meta)
        if self.info.exists():
            write_json(self.info, self.read_info() | {"record": record})

    def read_info(self) -> dict:
        """The contents of `run.json`.

        Raises RunError where there is none, or where it is damaged or of another version.
        """
        with reading(self.info, _WITHOUT_IT):
            if not self.info.exists():
                raise RunError(f"{self.path} is no run directory: it has no run.json; {self._without_info()}.")
            info = json.loads(read_regular(self.info))
            known = info["format"] in (FORMAT, ESTIMATING) and {
                "problem",
                "method",
                "seed",
                "choices",
                "fingerprint",
            } <= set(info)
            known &= all(fits(info[name], kind) for name, kind in _INFO.items())
        if not known:
            raise self._of_another_version()
        return info

    def _of_another_version(self) -> RunError:
        return RunError(
            f"{self.info} was written by another version of spindle, and this one reads formats {FORMAT} and "
            f"{ESTIMATING}; read the run by that version, or solve the problem again into another directory."
        )

    def _without_info(self) -> str:
        """What to do where there is no `run.json`."""
        if any(part.exists() for part in (self.problem, self.checkpoint, self.solution, self.window(0).path)):
            return _POSED_AGAIN
        return "name the folder given to `--out`"

    def read(self, given: Mapping | None = None) -> tuple[Problem, Method, int]:
        """Problem, method with every setting it ran with, and seed.

        given   {name: what no file holds}: functions of the problem by their names, parts of the method by its settings
        Raises RunError where a file is missing, damaged, of another version or of another run.
        """
        info = self.read_info()
        if not self.problem.exists():
            raise RunError(f"{self.path} has lost its problem.npz; {_POSED_AGAIN}.")
        arrays, data = load_arrays(self.problem, _WITHOUT_IT)
        with reading(self.info, _WITHOUT_IT):
            described = {name: info[name] for name in ("format", "problem", "method", "seed", "start") if name in info}
            if _fingerprint(data, arrays, described) != info["fingerprint"]:
                raise RunError(
                    f"run.json and problem.npz in {self.path} do not belong together: one is damaged or of another "
                    f"run; put the right one back, or remove both, and {_POSED_AGAIN}."
                )
            if not 0 <= info["seed"] < 2**32:
                raise ValueError(f"its seed is {info['seed']}")
            seed = operator.index(info["seed"])
        with reading(self.problem, _WITHOUT_IT):
            problem = problem_from_data(data, arrays, _given_functions(data) | dict(given or {}))
        if info["format"] != _format(problem):
            raise self._of_another_version()
        return problem, self._method(info["method"], problem, given), seed

    def _method(self, described: Mapping, problem: Problem, given: Mapping | None) -> Method:
        """The method of the run; raises RunError where this version has none of that name or with those settings."""
        try:
            with reading(self.info, _WITHOUT_IT):
                method = method_from_data(described, given)
                method.resolved(with_parameter_axes(problem))
        except MethodError as error:
            raise RunError(
                f"The method in {self.info} is none of this version of spindle: {str(error).rstrip('.')}; read the run "
                f"by the version that wrote it, or solve the problem again into another directory."
            ) from error
        return method

    def as_handed_in(self, method: Method) -> Method:
        """The method with those settings alone that were given by hand, as far as that is on record."""
        record = self.read_info().get("record")
        chosen = record.get("chosen") if isinstance(record, dict) else None
        if not isinstance(chosen, list) or not set(map(str, chosen)) <= set(vars(method)):
            return method
        return type(method)(**{name: getattr(method, name) for name in chosen})

    def read_result(self) -> tuple[dict[str, np.ndarray], RunRecord]:
        """Trained numbers, and the record of the run.

        Raises RunError where they are missing, damaged or of another run.
        """
        if not self.solution.exists():
            raise RunError(
                f"{self.path} holds no solution yet, because its training has not ended; continue it, "
                f"`spd.resume(directory)` or `spindle resume`."
            )
        arrays, meta = load_arrays(self.solution, FINISHED_AGAIN)
        check_fingerprint(self.solution, meta, self.fingerprint, FINISHED_AGAIN)
        with reading(self.solution, FINISHED_AGAIN):
            check(meta["run"], RUN)
            check(meta["seconds"], CLOCK)
            for look in meta["history"]:
                check(look, LOOK)
            seconds, history = Clock(**meta["seconds"]), History.from_data(meta["history"])
            return arrays, RunRecord.from_data(meta["run"], seconds, history)


def _format(problem: Problem) -> int:
    return ESTIMATING if problem.tunable else FORMAT


def _given_functions(data: Mapping) -> dict[str, Any]:
    """The given functions of a problem of the gallery, by name: what no file can hold is made anew."""
    name, chosen = data.get("origin") or ("", {})
    text = json.dumps(data)
    if name not in GALLERY or not any(f'["{head}", ' in text for head in ("given", "smooth")):
        return {}
    functions = [f for e in gallery(name, **chosen).expressions() for f in e.atoms(AppliedUndef) if is_given(f)]
    return {f.func.__name__: f.func.given for f in functions}


def _differences(other, wanted) -> str:
    """What another run is, as far as it differs from the one that is wanted."""

    def flat(info):
        first = {"problem": info["problem"], "method": info["method"]["name"], "seed": info["seed"]}
        first |= {"start": info["start"]} if "start" in info else {}
        return first | json.loads(to_json(info["method"]["settings"]))

    there, here = flat(other), flat(wanted)
    names = [name for name in {**there, **here} if there.get(name) != here.get(name)]
    listed = ", ".join(f"{name} {there.get(name)} there and {here.get(name)} here" for name in names)
    return listed or f"also called {other['problem']}, but posed otherwise"


def _fingerprint(data, arrays, info) -> str:
    # Where a problem comes from changes nothing in what is computed.
    posed = {name: part for name, part in data.items() if name != "origin"}
    digest = hashlib.sha256(json.dumps(_finite([posed, info]), sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def write_json(path: Path, data) -> None:
    """Write JSON atomically, NaN and infinities as null."""
    write_atomically(path, to_json(data, indent=1).encode())


def to_json(data, indent: int | None = None) -> str:
    """JSON with NaN and infinities as null, which strict readers accept."""
    return json.dumps(_finite(data), allow_nan=False, indent=indent)


@singledispatch
def _finite(data):
    """Data of JSON with NaN and infinities as None."""
    return data


@_finite.register(Mapping)
def _(data):
    return {str(k): _finite(v) for k, v in data.items()}


@_finite.register(list)
@_finite.register(tuple)
def _(data):
    return [_finite(v) for v in data]


@_finite.register(float)
@_finite.register(np.floating)
def _(data):
    return float(data) if np.isfinite(data) else None


def for_shell(words: Iterable) -> str:
    """Words as one line that the shell of this system takes apart into them again."""
    written = [str(word) for word in words]
    return subprocess.list2cmdline(written) if os.name == "nt" else shlex.join(written)


def versions() -> dict[str, str]:
    """Versions that can change a result."""
    names = ("spindle-pinn", "jax", "equinox", "optax", "sympy", "numpy")
    return {"python": platform.python_version()} | {name: _version(name) for name in names}


def _version(name: str) -> str:
    """The version of a package; sources that were never installed have none, and a solve is not lost for that."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def device_name() -> str:
    """The device that computes, `cpu` or for example `cuda:0 NVIDIA H200`."""
    device = jax.devices()[0]
    return device.platform if device.platform == "cpu" else f"{device.platform}:{device.id} {device.device_kind}"
