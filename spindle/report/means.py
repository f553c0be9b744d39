"""Means over space against time, from which the reader judges what an equation conserves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spindle.report.canvas import COLOURS, Picture, canvas, plain_format
from spindle.report.slices import Sample

_NOTHING = 1e-6  # of a field's size: a mean below it is that of a field whose halves cancel
_LEAST = 0.02  # of a mean's size: the least that its axis spans, so that a mean that stays is a level line


@dataclass(frozen=True)
class Mean:
    """The mean of one field over space.

    value     without time, else the largest magnitude
    nothing   whether it is next to zero at all times
    drift     (largest - smallest) / largest magnitude; None without time, and where the mean is next to zero
    picture   against time, where there is a drift
    """

    name: str
    value: float
    nothing: bool
    drift: float | None
    picture: Picture | None


def means(averages: Mapping[str, Sequence[float]], samples: Mapping[str, Sequence[Sample]]) -> list[Mean]:
    """The means of fields, {name: mean at each instant}, "t" the instants; the samples say how large the fields are."""
    times = averages.get("t")
    return [
        _mean(name, np.asarray(values), times, _size(samples.get(name, ())))
        for name, values in averages.items()
        if name != "t"
    ]


def _mean(name: str, values: np.ndarray, times: Sequence[float] | None, size: float) -> Mean:
    if times is None:
        return Mean(name, float(values[0]), False, None, None)
    largest = float(np.max(np.abs(values)))
    nothing = largest <= _NOTHING * size
    if nothing or not np.isfinite(largest):
        return Mean(name, largest, nothing, None, None)
    return Mean(name, largest, nothing, float(np.ptp(values)) / largest, _picture(name, times, values))


def _size(samples: Sequence[Sample]) -> float:
    """The largest magnitude of a field where it is drawn."""
    finite = [np.abs(s.values[np.isfinite(s.values)]) for s in samples]
    return max((float(a.max()) for a in finite if a.size), default=0.0)


def _picture(name: str, times: Sequence[float], values: np.ndarray) -> Picture:
    with canvas(3.6, 2.3) as (_, place, picture):
        axes = place(0.62, 0.45, 2.8, 1.5)
        axes.plot(times, values, marker="o", color=COLOURS[0], clip_on=False)
        middle, half = (values.max() + values.min()) / 2, max(np.ptp(values), _LEAST * np.abs(values).max()) / 2
        axes.set_ylim(middle - 1.1 * half, middle + 1.1 * half)
        axes.set_xlim(times[0], times[-1])
        axes.yaxis.set_major_formatter(plain_format())
        axes.locator_params(nbins=5)
        axes.grid(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(f"mean of {name}")
        axes.set_xlabel("t")
    return picture(f"mean of {name} over space against time")
