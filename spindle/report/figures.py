"""Pictures of a solution and of its training."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spindle.geometry.domain import Domain
from spindle.report.canvas import (
    COLOURS,
    EMPTY,
    FAINT,
    Picture,
    canvas,
    finite,
    limits,
    name_axes,
    plain_format,
    scale,
    scale_format,
)
from spindle.report.outline import continued, cut_out, outline
from spindle.report.slices import Sample, Slice, sample_slice
from spindle.results.solution import Solution
from spindle.symbolic.symbols import is_time
from spindle.training.history import History, HistoryEntry

# Inches: width of the picture of a plane, what lies left of and below the plane, and what its height leaves free.
_WIDTH, _LEFT, _BOTTOM, _MARGIN = 3.5, 0.52, 0.45, 0.85
# Left, bottom, width and height in inches: of a field along a line, and of a curve of training.
_LINE_PLOT, _CURVE_PLOT = (0.6, 0.47, 3.6, 2.15), (0.52, 0.45, 2.9, 1.85)
_DASHES = ("-", "--", ":")


@dataclass(frozen=True)
class PictureRow:
    """Pictures of one slice; `place` says where it is, `z = 0.12`, and is empty where the picture is of everything."""

    place: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Pane:
    """One field on a plane, and how it is drawn: (vertical, horizontal) values, the ends of the scale, its colours."""

    values: np.ndarray
    title: str
    ends: tuple[float, float]
    colours: str


@dataclass(frozen=True)
class Placement:
    """A place within another, in fractions of its width and height."""

    left: float
    top: float
    width: float
    height: float

    @property
    def style(self) -> str:
        """The box as CSS, in per cent."""
        return "; ".join(f"{name}: {100 * value:.3f}%" for name, value in vars(self).items())


def sample_slices(solution: Solution, slices: Sequence[Slice], fields: Mapping) -> dict[str, list[Sample]]:
    """{name: a sample for each slice} of fields, {name: unknown or quantity}."""
    return {name: [sample_slice(solution, u, piece) for piece in slices] for name, u in fields.items()}


def field_pictures(solution: Solution, samples: Mapping[str, Sequence[Sample]]) -> dict[str, list[PictureRow]]:
    """For each unknown a row of pictures a slice: solution, reference and absolute error, or the solution alone.

    All slices of an unknown share one scale for solution and reference, and one for the error.
    """
    times, domain = time_names(solution), solution.problem.domain
    pictures = {}
    for name, slices in samples.items():
        rows = [_row(name, s, shared_limits(slices), times, domain) for s in slices]
        known = len(slices[0].shown) > 1 and slices[0].error is not None
        pictures[name] = [*rows, _profile(name, slices, times)] if known else rows
    return pictures


def _profile(name: str, samples: Sequence[Sample], times: Sequence[str]) -> PictureRow:
    """The field beside its reference along a line of space, through the place where they are farthest apart."""
    largest = [np.nanmax(np.asarray(s.error), initial=0.0) for s in samples]
    line = through_largest_error(samples[int(np.argmax(largest))], times)
    picture = line_picture({"computed": line}, f"{name} where the error is largest")
    return PictureRow(place_of(line.fixed), (picture,))


def through_largest_error(sample: Sample, times: Sequence[str]) -> Sample:
    """A plane cut along a coordinate of space where the error is largest; it may be zero everywhere."""
    error = np.nan_to_num(np.asarray(sample.error))
    row, column = np.unravel_index(int(np.argmax(error)), error.shape)
    along = 1 if sample.shown[0] in times else 0
    cut = (slice(None), column) if along else (row, slice(None))
    across = 1 - along
    place = sample.nodes[across][column if along else row]
    assert sample.reference is not None
    fixed = sample.fixed | {sample.shown[across]: float(place)}
    return Sample((sample.shown[along],), (sample.nodes[along],), sample.values[cut], sample.reference[cut], fixed)


def shared_limits(samples: Sequence[Sample]) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ends of one scale for all solutions and references, and of one for all errors."""
    shown = [s.values for s in samples] + [s.reference for s in samples if s.reference is not None]
    return limits(shown), (0.0, limits([s.error for s in samples if s.error is not None])[1])


def time_names(solution: Solution) -> list[str]:
    """The name of time in a list, which is empty where time is no coordinate."""
    return [c.name for c in solution.problem.coordinates if is_time(c)]


def place_of(fixed: Mapping[str, float]) -> str:
    """The place of a slice in words, `z = 0.12`; empty where the slice is the whole domain."""
    return ", ".join(f"{c} = {value:.4g}" for c, value in fixed.items())


def training_pictures(history: History) -> list[Picture]:
    """Pictures of loss against steps and training seconds, of errors where they were measured, and of estimates."""
    pictures = []
    losses = {"loss": lambda record: record.loss}
    if _drawable(history, losses["loss"]):
        pictures.append(_curves(history, losses, lambda r: r.step, "loss against steps", "steps"))
        pictures.append(_curves(history, losses, lambda r: r.seconds, "loss against training time", "seconds"))
    names = dict.fromkeys(name for record in history for name in record.errors)
    errors = {name: _error_reader(name) for name in names}
    errors = {name: read for name, read in errors.items() if _drawable(history, read)}
    if errors:
        title = "relative L2 error against training time"
        pictures.append(_curves(history, errors, lambda r: r.seconds, title, "seconds"))
    estimates = {name: _estimate_reader(name) for name in dict.fromkeys(n for r in history for n in r.estimated)}
    estimates = {name: read for name, read in estimates.items() if _drawable(history, read)}
    if estimates:
        title = "modulus of estimated parameters against steps"
        pictures.append(_curves(history, estimates, lambda r: r.step, title, "steps"))
    return pictures


def plane_picture(sample: Sample, pane: Pane, times: Sequence[str], domain: Domain) -> Picture:
    """A picture of a field as colours on a plane, cut out along the outline of the domain where that is known."""
    path = outline(domain, sample.shown)
    values = pane.values if path is None else continued(pane.values)
    width, height = _size(sample, times)
    with canvas(_WIDTH, height + _MARGIN) as (figure, place, picture):
        axes, side = _plane_axes(place, sample, pane.title, width, height)
        colouring: Any = {"cmap": pane.colours, "vmin": pane.ends[0], "vmax": pane.ends[1], "rasterized": True}
        mesh = axes.pcolormesh(*sample.nodes, np.ma.masked_invalid(values), shading="nearest", **colouring)
        cut_out(axes, mesh, path, FAINT)
        _colour_scale(figure, side, mesh)
        _ends_of_plane(axes, sample)
    where = f" at {place_of(sample.fixed)}" if sample.fixed else ""
    return picture(f"{pane.title}{where}, {_between(pane.ends)}")


def empty_plane(sample: Sample, pane: Pane, times: Sequence[str]) -> tuple[Picture, Placement]:
    """A picture of a plane with its scale and without a field, and the box in it where the field belongs."""
    width, height = _size(sample, times)
    whole = height + _MARGIN
    with canvas(_WIDTH, whole) as (figure, place, picture):
        axes, side = _plane_axes(place, sample, pane.title, width, height)
        _colour_scale(figure, side, ScalarMappable(Normalize(*pane.ends), pane.colours))
        _ends_of_plane(axes, sample)
    box = Placement(_LEFT / _WIDTH, 1 - (_BOTTOM + height) / whole, width / _WIDTH, height / whole)
    return picture(f"axes and colours of {pane.title}, {_between(pane.ends)}"), box


def line_picture(samples: Mapping[str, Sample], title: str) -> Picture:
    """A picture of fields along a line, by label, in front of the reference."""
    with canvas(4.4, 3.0) as (_, place, picture):
        axes = place(*_LINE_PLOT)
        first = next(iter(samples.values()))
        if first.reference is not None:
            axes.plot(first.nodes[0], first.reference, color=FAINT, linewidth=4, alpha=0.5, label="reference")
        for k, (label, sample) in enumerate(samples.items()):
            axes.plot(sample.nodes[0], finite(sample.values), **run_style(k), label=label)
        axes.set_title(title)
        if len(samples) > 1 or first.reference is not None:
            axes.legend()
        _dress_line(axes, first)
    return picture(f"{title} along {first.shown[0]}")


def error_line_picture(samples: Mapping[str, Sample], title: str) -> Picture:
    """A picture of absolute errors along a line, by label."""
    with canvas(4.4, 3.0) as (_, place, picture):
        axes = place(*_LINE_PLOT)
        for k, (label, sample) in enumerate(samples.items()):
            style = run_style(k) if len(samples) > 1 else {"color": COLOURS[1]}
            axes.plot(sample.nodes[0], finite(sample.error), **style, label=label)
        axes.set_title(title)
        _dress_line(axes, sample)
        if len(samples) > 1:
            _scale_of_errors(axes, [limits([s.error])[1] for s in samples.values() if s.error is not None])
            axes.legend()
        else:
            axes.set_ylim(bottom=0)
    return picture(f"{title} along {sample.shown[0]}")


def _scale_of_errors(axes: Axes, largest: Sequence[float]) -> None:
    """Logarithmic where the largest errors of several runs lie far apart, so that none of them is a line at zero."""
    scale(axes.yaxis, axes.set_yscale, largest)
    logarithmic = axes.get_yscale() == "log"
    axes.set_ylim(bottom=min(n for n in largest if n > 0) / 100 if logarithmic else 0)


def run_curves(histories: Mapping[str, History], read: Callable[[HistoryEntry], float], title: str) -> Picture | None:
    """A picture of what `read` takes of the records of runs, against their training seconds; None without any."""
    series = {label: _positive(history, lambda r: r.seconds, read) for label, history in histories.items()}
    if not any(series.values()):
        return None
    with canvas(4.6, 3.1) as (_, place, picture):
        axes = place(0.55, 0.47, 3.35, 2.25)
        for k, (label, points) in enumerate(series.items()):
            if points:
                axes.plot(*zip(*points, strict=True), marker="o", **run_style(k), label=label)
        together = [point for points in series.values() for point in points]
        scale(axes.xaxis, axes.set_xscale, [x for x, _ in together])
        scale(axes.yaxis, axes.set_yscale, [y for _, y in together])
        axes.grid(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(title)
        axes.set_xlabel("seconds")
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.03), handlelength=1.4)
    return picture(title)


def run_style(number: int) -> dict:
    """Colour and dashes of run `number`, the same in every chart."""
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": _DASHES[number // len(COLOURS) % len(_DASHES)]}


def panes(name: str, sample: Sample, value_ends, error_ends) -> list[Pane]:
    """What is drawn side by side of a plane: the solution, its reference and its error."""
    listed = [Pane(sample.values, f"{name} computed", value_ends, "viridis")]
    if sample.reference is not None and sample.error is not None:
        listed.append(Pane(sample.reference, f"{name} reference", value_ends, "viridis"))
        listed.append(Pane(sample.error, f"{name} absolute error", error_ends, "magma"))
    return listed


def _row(name: str, sample: Sample, ends, times, domain: Domain) -> PictureRow:
    if len(sample.shown) > 1:
        shown = tuple(plane_picture(sample, pane, times, domain) for pane in panes(name, sample, *ends))
        return PictureRow(place_of(sample.fixed), shown)
    curves, known = {"computed": sample}, sample.reference is not None
    pictures = [line_picture(curves, f"{name} computed" + (" and reference" if known else ""))]
    if known:
        pictures.append(error_line_picture(curves, f"{name} absolute error"))
    return PictureRow(place_of(sample.fixed), tuple(pictures))


def _plane_axes(place, sample: Sample, title: str, width: float, height: float) -> tuple[Axes, Axes]:
    """Axes of a plane, and of its colour scale."""
    axes, side = place(_LEFT, _BOTTOM, width, height), place(_LEFT + width + 0.08, _BOTTOM, 0.1, height)
    axes.set_facecolor(EMPTY)
    axes.set_title(title)
    name_axes(axes, *sample.shown)
    return axes, side


def _ends_of_plane(axes: Axes, sample: Sample) -> None:
    axes.set_xlim(sample.nodes[0][0], sample.nodes[0][-1])
    axes.set_ylim(sample.nodes[1][0], sample.nodes[1][-1])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))


def _colour_scale(figure: Figure, side: Axes, field) -> None:
    figure.colorbar(field, cax=side, format=scale_format(), ticks=MaxNLocator(6, steps=[1, 2, 5, 10]))
    for part in side.collections:
        part.set_rasterized(True)
    side.spines[:].set_visible(False)


def _between(ends) -> str:
    return f"between {ends[0]:.3g} and {ends[1]:.3g}"


def _size(sample: Sample, times) -> tuple[float, float]:
    """Inches of the coloured box; equal units where both coordinates are lengths and the plane is not too slender."""
    spans = [nodes[-1] - nodes[0] for nodes in sample.nodes]
    ratio = spans[1] / spans[0]
    lengths = not set(sample.shown) & set(times)
    ratio = ratio if lengths and 0.4 < ratio < 2.5 else 0.9
    return (2.2, 2.2 * ratio) if ratio <= 1.3 else (2.86 / ratio, 2.86)


def _dress_line(axes: Axes, sample: Sample) -> None:
    axes.set_xlim(sample.nodes[0][0], sample.nodes[0][-1])
    axes.yaxis.set_major_formatter(plain_format())
    axes.grid(True)
    axes.spines[["top", "right"]].set_visible(False)
    name_axes(axes, sample.shown[0])


def _curves(
    history: Sequence[HistoryEntry],
    series: dict[str, Callable[[HistoryEntry], float]],
    position: Callable[[HistoryEntry], float],
    title: str,
    unit: str,
) -> Picture:
    """Curves over logarithmic axes: one colour a series, or one a phase where there is a single series."""
    with canvas(3.6, 2.65) as (_, place, picture):
        axes = place(*_CURVE_PLOT)
        for k, (name, read) in enumerate(series.items()):
            _curve(axes, history, position, read, name if len(series) > 1 else "", k)
        _mark_phases(axes, history, position)
        scale(axes.xaxis, axes.set_xscale, [position(r) for r in history])
        scale(axes.yaxis, axes.set_yscale, [read(r) for read in series.values() for r in history])
        axes.grid(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(title)
        axes.set_xlabel(unit)
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    return picture(title)


def _curve(axes: Axes, history, position, read, name: str, number: int) -> None:
    """One series, drawn phase after phase; each begins where the last ended."""
    last: list[HistoryEntry] = []
    for k, (phase, records) in enumerate(_phases(history)):
        points = _positive([*last, *records], position, read)
        colour = COLOURS[(number if name else k) % len(COLOURS)]
        label = (name if k == 0 else None) if name else phase
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", color=colour, label=label, zorder=3 - 0.1 * k)
        last = records[-1:]


def _positive(history, position, read) -> list[tuple[float, float]]:
    """The points of a curve that logarithmic axes can show."""
    points = [(position(r), read(r)) for r in history]
    return [(x, y) for x, y in points if x > 0 and np.isfinite(y) and y > 0]


def _mark_phases(axes: Axes, history, position) -> None:
    """A dotted line where one phase hands over to the next."""
    for _, records in _phases(history)[:-1]:
        if position(records[-1]) > 0:
            axes.axvline(position(records[-1]), color=FAINT, linestyle=":", linewidth=1.2)


def _phases(history: Sequence[HistoryEntry]) -> list[tuple[str, list[HistoryEntry]]]:
    """The records of each phase, in order."""
    phases: list[tuple[str, list[HistoryEntry]]] = []
    for record in history:
        if not phases or phases[-1][0] != record.phase:
            phases.append((record.phase, []))
        phases[-1][1].append(record)
    return phases


def _error_reader(name: str) -> Callable[[HistoryEntry], float]:
    return lambda record: record.errors.get(name, float("nan"))


def _estimate_reader(name: str) -> Callable[[HistoryEntry], float]:
    return lambda record: abs(record.estimated.get(name, float("nan")))


def _drawable(history, read: Callable[[HistoryEntry], float]) -> bool:
    return any(np.isfinite(read(record)) and read(record) > 0 for record in history)
