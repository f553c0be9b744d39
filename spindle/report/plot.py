"""`plot`: a field drawn by Matplotlib, for whoever works in Python or in a notebook."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from sympy.core.function import AppliedUndef

from spindle.errors import MethodError, ProblemError, nearest, shown
from spindle.problem.families import family_parameters
from spindle.report.canvas import COLOURS, EMPTY, FAINT, finite, limits, name_axes, scale_format
from spindle.report.figures import place_of
from spindle.report.outline import continued, cut_out, outline
from spindle.report.slices import Sample, Slice, choose_slices, sample_exactly, sample_slice
from spindle.results.axes import checked_names, floats
from spindle.results.presented import Presented
from spindle.symbolic.symbols import is_time
from spindle.symbolic.words import text

_SHOWN = {"computed": "viridis", "reference": "viridis", "error": "magma"}
_WIDE, _HIGH = 4.4, 3.6  # inches of one picture
_ROW = 4  # pictures beside each other


def plot(fields: Presented, expression, show: str, axes, at: Mapping) -> Axes | np.ndarray:
    """Draw an expression of the unknowns; see `Presented.plot`."""
    drawing = Drawing(fields, expression, show, at)
    drawn = drawing.onto(_axes(axes, drawing.count))
    return drawn[0] if len(drawn) == 1 else np.array(drawn)


class Drawing:
    """A field on the slices that a call of `plot` asks for.

    count   how many Axes it takes
    ends    smallest and largest value
    """

    def __init__(self, fields: Presented, expression, show: str, at: Mapping):
        if show not in _SHOWN:
            raise MethodError(f"`solution.plot(show={shown(show)})` is not known." + nearest(str(show), _SHOWN))
        pieces = [piece for place in _places(fields, at) for piece in choose_slices(fields, place)]
        self.samples = [_sample(fields, expression, piece, show) for piece in pieces]
        after = {"computed": "", "reference": ", reference", "error": ", absolute error"}[show]
        self.fields, self.show, self.title = fields, show, _title(fields, expression) + after
        self.on_lines = len(pieces[0].shown) == 1
        self.count = 1 if self.on_lines else len(pieces)
        self.ends = limits([_values(sample, show) for sample in self.samples])

    def onto(self, axes: list[Axes], ends: tuple[float, float] | None = None) -> list[Axes]:
        """Draw into so many Axes, on a scale with these ends; None: those of the values."""
        if self.on_lines:
            _lines(self.samples, self.title, self.show, axes[0])
            if ends is not None:
                slack = 0.05 * (ends[1] - ends[0])
                axes[0].set_ylim(ends[0] - slack, ends[1] + slack)
            return axes
        times = [c.name for c in self.fields.posed.coordinates if is_time(c)]
        for one, sample in zip(axes, self.samples, strict=True):
            _plane(one, sample, self.title, self.show, ends or self.ends, times, self.fields.posed.domain)
        return axes


def _places(fields: Presented, at: Mapping) -> list[dict[str, float]]:
    """What is held fixed, once for each combination of the values given; raises ProblemError where nothing is left."""
    names = checked_names(fields.posed, at)
    chosen = {name: np.atleast_1d(floats(f"{name} =", value)).ravel() for name, value in at.items()}
    if len(chosen) == len(names):
        call = ", ".join(f"{name}=..." for name in names)
        raise ProblemError(
            f"`solution.plot({call})` holds every coordinate fixed, so nothing is left to draw along; leave one out, "
            f"or ask for the number, `solution({call})`."
        )
    bounds = dict(zip([c.name for c in fields.posed.coordinates], fields.posed.domain.bounds, strict=True))
    for name, values in chosen.items():
        low, high = bounds[name]
        slack = 1e-9 * (high - low)
        if not (values.size and (values >= low - slack).all() and (values <= high + slack).all()):
            raise ProblemError(
                f"`solution.plot({name}={shown(at[name])})` is not within ({low:g}, {high:g}), where the problem is "
                f"posed; choose a value there."
            )
    rows = itertools.product(*chosen.values())
    return [dict(zip(chosen, map(float, row), strict=True)) for row in rows]


def _sample(fields: Presented, expression, piece: Slice, show: str) -> Sample:
    """The field on one slice; of a family whose members are tuned, that of the member."""
    whole: Any = fields.whole
    tuned = whole.reduced is not None and fields is whole
    parameters = _parameters(whole, piece) if tuned else {}
    source: Presented = whole(**parameters) if parameters else fields
    piece_of_source = Slice(piece.shown, {k: v for k, v in piece.fixed.items() if k not in parameters})
    u = _resolved(source, expression)
    if show == "computed":
        sample = sample_exactly(source, u, piece_of_source)
    else:
        sample = sample_slice(source, u, piece_of_source)
        if sample.reference is None:
            known = ", ".join(source.posed.name_of(v) for v in source.posed.compared) or "none"
            raise ProblemError(
                f'`solution.plot({text(u)}, show="{show}")` needs a reference to compare with, and those known are: '
                f"{known}; leave `show` out."
            )
    return Sample(sample.shown, sample.nodes, sample.values, sample.reference, sample.fixed | parameters)


def _parameters(family, piece: Slice) -> dict[str, float]:
    """The parameters of a family, where a slice fixes all of them."""
    own = [p.name for p in family_parameters(family.problem)]
    return {name: piece.fixed[name] for name in own} if set(own) <= set(piece.fixed) else {}


def _resolved(fields: Presented, expression):
    """The expression as the problem has it: an unknown by its name, or the first one."""
    posed = fields.posed
    if expression is None:
        return posed.unknowns[0]
    if isinstance(expression, str):
        if expression not in posed.fields:
            raise ProblemError(
                f"`solution.plot({shown(expression)})` is no unknown or quantity." + nearest(expression, posed.fields)
            )
        return posed.fields[expression]
    named = {u.func.__name__: u for u in posed.unknowns}
    return named.get(expression.func.__name__, expression) if isinstance(expression, AppliedUndef) else expression


def _title(fields: Presented, expression) -> str:
    return expression if isinstance(expression, str) else text(_resolved(fields, expression))


def _axes(given, count: int) -> list[Axes]:
    """The Axes to draw into: those given, or those of a new figure."""
    if given is None:
        columns = min(count, _ROW)
        rows = -(-count // columns)
        size = (_WIDE * columns, _HIGH * rows)
        _, made = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
        flat = list(made.ravel())
        for unused in flat[count:]:
            unused.remove()
        return flat[:count]
    flat = list(np.atleast_1d(np.asarray(given, object)).ravel())
    if len(flat) != count or not all(isinstance(one, Axes) for one in flat):
        raise ProblemError(
            f"`solution.plot(axes=...)` was given {len(flat)} Axes or other things, and this plot has {count} "
            f"pictures; give as many Axes, or hold more coordinates fixed, `t=0.5`."
        )
    return flat


def _values(sample: Sample, show: str) -> np.ndarray:
    chosen = {"computed": sample.values, "reference": sample.reference, "error": sample.error}[show]
    return np.asarray(chosen)


def _lines(samples: Sequence[Sample], title: str, show: str, axes: Axes) -> None:
    """Fields along a line, each in its colour, in front of their references."""
    several, first = len(samples) > 1, samples[0]
    common = {name: v for name, v in first.fixed.items() if all(s.fixed[name] == v for s in samples)}
    for k, sample in enumerate(samples):
        if show == "computed" and sample.reference is not None:
            label = "reference" if k == 0 else None
            axes.plot(sample.nodes[0], finite(sample.reference), color=FAINT, linewidth=4, alpha=0.5, label=label)
    for k, sample in enumerate(samples):
        label = place_of({k: v for k, v in sample.fixed.items() if k not in common}) if several else show
        axes.plot(sample.nodes[0], finite(_values(sample, show)), color=COLOURS[k % len(COLOURS)], label=label)
    axes.set_title(f"{title} at {place_of(common)}" if common else title, parse_math=False)
    name_axes(axes, first.shown[0], "")
    axes.set_xlim(first.nodes[0][0], first.nodes[0][-1])
    axes.grid(True, alpha=0.4)
    if several or (show == "computed" and first.reference is not None):
        axes.legend(frameon=False)


def _plane(axes: Axes, sample: Sample, title: str, show: str, ends, times: Sequence[str], domain) -> None:
    """A field as colours on a plane, cut out along the outline of the domain."""
    path = outline(domain, sample.shown)
    values = _values(sample, show)
    values = values if path is None else continued(values)
    colouring: Any = {"cmap": _SHOWN[show], "vmin": ends[0], "vmax": ends[1], "rasterized": True}
    mesh = axes.pcolormesh(*sample.nodes, np.ma.masked_invalid(values), shading="nearest", **colouring)
    cut_out(axes, mesh, path, FAINT)
    axes.set_facecolor(EMPTY)
    name_axes(axes, *sample.shown)
    axes.set_xlim(sample.nodes[0][0], sample.nodes[0][-1])
    axes.set_ylim(sample.nodes[1][0], sample.nodes[1][-1])
    spans = [nodes[-1] - nodes[0] for nodes in sample.nodes]
    if not set(sample.shown) & set(times) and 0.25 < spans[1] / spans[0] < 4:
        axes.set_aspect("equal")
    axes.set_title(f"{title} at {place_of(sample.fixed)}" if sample.fixed else title, parse_math=False)
    axes.figure.colorbar(mesh, ax=axes, format=scale_format(), ticks=MaxNLocator(6, steps=[1, 2, 5, 10]), shrink=0.9)
