"""Numbers of points, and points themselves, by the names of equations and conditions."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spindle.errors import MethodError, nearest
from spindle.geometry.supports import Region
from spindle.lowering.residuals import ResidualForm, ResidualForms

INTERIOR, BOUNDARY = "interior", "boundary"
_NEAR = 1e-9  # of an axis: a point that near to a face lies on it


def points_by_support(forms: ResidualForms, points: Any, call: str) -> dict[int, Any]:
    """{support: number of points, or points (n, d)} of those that the setting `points` names.

    points   an array of points of all equations, or {name: number or array}: of an equation, a condition, of all
             equations ("interior") or all conditions ("boundary") that are not named. A number is that of all regions
             or faces together, which share it by size
    Raises MethodError where a name is none, where points lie outside, or belong to a place that has its own.
    """
    named = points if isinstance(points, Mapping) else {INTERIOR: points}
    equations = [e.name for e in forms.problem.equations]
    known = [INTERIOR, BOUNDARY, *(form.name for form in forms.forms), *forms.constraints.enforced]
    for name in named:
        if name not in known:
            raise MethodError(f"`{call}(points=...)` names `{name}`, which does not exist." + nearest(name, known))
    chosen: dict[int, Any] = {}
    for form in forms.forms:
        usual = named.get(INTERIOR if form.name in equations else BOUNDARY)
        given = named.get(form.name, usual)
        if given is not None:
            chosen |= _of_form(forms, form, given, call)
    return chosen


def _of_form(forms: ResidualForms, form: ResidualForm, given: Any, call: str) -> dict[int, Any]:
    """As `points_by_support`, of one equation or condition."""
    pieces = [[term.support for term in piece] for piece in form.pieces]
    pieces = [piece for piece in pieces if forms.supports[piece[0]].measured is None]
    if np.ndim(given) == 0:
        total = sum(forms.supports[piece[0]].measure for piece in pieces)
        return {
            k: max(1, round(int(given) * forms.supports[piece[0]].measure / total)) for piece in pieces for k in piece
        }
    axes = len(forms.problem.coordinates)
    if given.shape[1] != axes:
        names = ", ".join(map(str, forms.problem.coordinates))
        raise MethodError(
            f"`{call}(points=...)` was given points of shape {given.shape} for `{form.name}`; it needs (n, {axes}), "
            f"the columns being {names}."
        )
    chosen, taken = {}, np.zeros(len(given), bool)
    for piece in pieces:
        support = forms.supports[piece[0]]
        if len(piece) > 1 or not isinstance(support, Region):
            raise MethodError(
                f"`{call}(points=...)` was given points for `{form.name}`, which holds at pairs of points or on a "
                f"curved boundary, where points need normals; give a number of them."
            )
        inside = _inside(support, given) & ~taken
        taken |= inside
        chosen[piece[0]] = _on(support, given[inside])
    _refuse_strays(form, given, taken, chosen, call)
    return chosen


def _refuse_strays(form: ResidualForm, given: np.ndarray, taken: np.ndarray, chosen: Mapping, call: str) -> None:
    if not taken.all():
        raise MethodError(
            f"`{call}(points=...)` has {np.sum(~taken)} of {len(given)} points of `{form.name}` where it does not "
            f"hold, the first at {given[~taken][0]}; drop them."
        )
    if not all(len(points) for points in chosen.values()):
        raise MethodError(
            f"`{call}(points=...)` leaves a part of `{form.name}` without any point, one of {len(chosen)} regions or "
            f"faces; put points on each of them."
        )


def _inside(support: Region, points: np.ndarray) -> np.ndarray:
    """Which of the points (n, d) lie in a region or on a face."""
    low, high = np.array(support.bounds).T
    size = np.maximum(high - low, np.maximum(np.abs(low), np.abs(high)))
    inside = np.all((points >= low - _NEAR * size) & (points <= high + _NEAR * size), axis=1)
    if support.shape is None:
        return inside
    space = [k for k in range(len(low)) if k != support.time]
    return inside & support.shape.contains(points[:, space])


def _on(support: Region, points: np.ndarray) -> np.ndarray:
    """The points with nothing beyond the bounds, on a face exactly there."""
    low, high = np.array(support.bounds).T
    return np.clip(points, low, high)
