"""Pictures of a solution and of its training, as SVG data URIs that follow the reader's light or dark scheme."""

import base64
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, ScalarFormatter

from spindle.problem.symbols import is_time
from spindle.report.slices import Sample, choose_slices, take
from spindle.solution import Solution
from spindle.training.history import History, Record

# Drawn in these colours, which the SVG then names by what they mean; see `_adaptive`.
_SHADES = {
    "ink": ("#23282e", "#dfe3e8"),
    "faint": ("#8b939c", "#7c858f"),
    "line": ("#dde1e6", "#3a414a"),
    "card": ("#fefffe", "#1c2126"),
    "empty": ("#eff1f4", "#262c33"),
}
_INK, _FAINT, _LINE, _CARD, _EMPTY = (light for light, _ in _SHADES.values())
_COLOURS = ("#2f7fc1", "#e07b39", "#3f9e6e", "#a565b5", "#b8962e", "#c2566b")
_STYLE: Any = {
    "font.size": 9,
    "axes.labelsize": 10,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.linewidth": 0.7,
    "axes.edgecolor": _FAINT,
    "axes.facecolor": _CARD,
    "figure.facecolor": _CARD,
    "grid.color": _LINE,
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 4,
    "svg.hashsalt": "spindle",
    "text.parse_math": False,  # names are the user's, so no dollar sign in them may start a formula
} | dict.fromkeys(
    ("text.color", "axes.labelcolor", "axes.titlecolor", "xtick.labelcolor", "ytick.labelcolor", "legend.labelcolor"),
    _INK,
)
_STYLE |= dict.fromkeys(("xtick.color", "ytick.color"), _FAINT)
# Left, bottom, width and height in inches: of a field along a line, and of a curve of training.
_LINE_PLOT, _CURVE_PLOT = (0.6, 0.47, 3.6, 2.15), (0.52, 0.45, 2.9, 1.85)
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Picture:
    """An image: its data URI, and what it shows, for those who cannot see it."""

    uri: str
    alt: str


@dataclass(frozen=True)
class Row:
    """Pictures of one slice; `place` says where it is, `z = 0.12`, and is empty where the picture is of everything."""

    place: str
    pictures: tuple[Picture, ...]


def field_pictures(solution: Solution) -> dict[str, list[Row]]:
    """For each unknown its slices: solution, reference and absolute error, or the solution alone.

    All slices of an unknown share one scale for solution and reference, and one for the error.
    """
    slices = choose_slices(solution)
    found = {}
    for name, u in solution.problem.shown.items():
        samples = [take(solution, u, piece) for piece in slices]
        shown = [s.values for s in samples] + [s.reference for s in samples if s.reference is not None]
        errors = [s.error for s in samples if s.error is not None]
        value_limits, error_limits = _limits(shown), (0.0, _limits(errors)[1])
        times = [c.name for c in solution.problem.coordinates if is_time(c)]
        found[name] = [_row(name, s, value_limits, error_limits, times) for s in samples]
    return found


def training_pictures(history: History) -> list[Picture]:
    """Loss against steps, loss against training seconds, and error against training seconds where it was measured."""
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
    return pictures


def _row(name: str, sample: Sample, value_limits, error_limits, times) -> Row:
    place = ", ".join(f"{c} = {value:.4g}" for c, value in sample.fixed.items())
    where = f" at {place}" if place else ""
    if len(sample.shown) == 1:
        pictures = [_line_picture(sample, name)]
        if sample.error is not None:
            pictures.append(_error_line_picture(sample, name))
        return Row(place, tuple(pictures))
    panels = [(sample.values, f"{name} computed", value_limits, "viridis")]
    if sample.reference is not None and sample.error is not None:
        panels.append((sample.reference, f"{name} reference", value_limits, "viridis"))
        panels.append((sample.error, f"{name} absolute error", error_limits, "magma"))
    return Row(place, tuple(_plane_picture(sample, *panel, times=times, where=where) for panel in panels))


def _plane_picture(sample, values, title, limits, colours, *, times, where) -> Picture:
    """Colours on a plane; nothing is drawn outside the domain."""
    width, height = _box(sample, times)
    with _canvas(3.5, height + 0.85) as (figure, place, picture):
        axes, side = place(0.52, 0.45, width, height), place(0.6 + width, 0.45, 0.1, height)
        axes.set_facecolor(_EMPTY)
        colouring = {"cmap": colours, "vmin": limits[0], "vmax": limits[1], "rasterized": True}
        mesh = axes.pcolormesh(*sample.nodes, np.ma.masked_invalid(values), shading="nearest", **colouring)
        axes.set_xlim(sample.nodes[0][[0, -1]])
        axes.set_ylim(sample.nodes[1][[0, -1]])
        axes.set_title(title)
        _name_axes(axes, *sample.shown)
        figure.colorbar(mesh, cax=side, format=_scale_format(), ticks=MaxNLocator(6, steps=[1, 2, 5, 10]))
        for part in side.collections:
            part.set_rasterized(True)
        side.spines[:].set_visible(False)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    return picture(f"{title}{where}, between {limits[0]:.3g} and {limits[1]:.3g}")


def _box(sample: Sample, times) -> tuple[float, float]:
    """Inches of the coloured box; equal units where both coordinates are lengths and the plane is not too slender."""
    spans = [nodes[-1] - nodes[0] for nodes in sample.nodes]
    ratio = spans[1] / spans[0]
    lengths = not set(sample.shown) & set(times)
    ratio = ratio if lengths and 0.4 < ratio < 2.5 else 0.9
    return (2.2, 2.2 * ratio) if ratio <= 1.3 else (2.86 / ratio, 2.86)


def _line_picture(sample: Sample, name: str) -> Picture:
    with _canvas(4.4, 3.0) as (_, place, picture):
        axes = place(*_LINE_PLOT)
        (nodes,) = sample.nodes
        if sample.reference is not None:
            axes.plot(nodes, sample.reference, color=_FAINT, linewidth=4, alpha=0.5, label="reference")
        axes.plot(nodes, _finite(sample.values), color=_COLOURS[0], label="computed")
        axes.set_title(f"{name} computed" + (" and reference" if sample.reference is not None else ""))
        if sample.reference is not None:
            axes.legend()
        _dress_line(axes, sample)
    return picture(f"{name} along {sample.shown[0]}")


def _error_line_picture(sample: Sample, name: str) -> Picture:
    with _canvas(4.4, 3.0) as (_, place, picture):
        axes = place(*_LINE_PLOT)
        axes.plot(sample.nodes[0], _finite(sample.error), color=_COLOURS[1])
        axes.set_ylim(bottom=0)
        axes.set_title(f"{name} absolute error")
        _dress_line(axes, sample)
    return picture(f"absolute error of {name} along {sample.shown[0]}")


def _dress_line(axes: Axes, sample: Sample) -> None:
    axes.set_xlim(sample.nodes[0][0], sample.nodes[0][-1])
    axes.yaxis.set_major_formatter(_plain_format())
    axes.grid(True)
    axes.spines[["top", "right"]].set_visible(False)
    _name_axes(axes, sample.shown[0])


def _curves(
    history: Sequence[Record],
    series: dict[str, Callable[[Record], float]],
    position: Callable[[Record], float],
    title: str,
    unit: str,
) -> Picture:
    """Curves over logarithmic axes: one colour a series, or one a phase where there is a single series."""
    with _canvas(3.6, 2.65) as (_, place, picture):
        axes = place(*_CURVE_PLOT)
        for k, (name, read) in enumerate(series.items()):
            _curve(axes, history, position, read, name if len(series) > 1 else "", k)
        _mark_phases(axes, history, position)
        _scale(axes.xaxis, axes.set_xscale, [position(r) for r in history])
        _scale(axes.yaxis, axes.set_yscale, [read(r) for read in series.values() for r in history])
        axes.grid(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(title)
        axes.set_xlabel(unit)
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    return picture(title)


def _scale(axis, set_scale, numbers) -> None:
    """Logarithmic where the numbers span a decade; on less, a logarithmic axis would have next to no labels."""
    positive = [n for n in numbers if np.isfinite(n) and n > 0]
    if max(positive, default=1) < 10 * min(positive, default=1):
        axis.set_major_formatter(_plain_format())
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        return
    set_scale("log")
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"10{str(round(np.log10(value))).translate(_RAISED)}"))
    axis.set_minor_formatter(NullFormatter())


def _curve(axes: Axes, history, position, read, name: str, number: int) -> None:
    """One series, drawn phase after phase; each begins where the last ended."""
    last: list[Record] = []
    for k, (phase, records) in enumerate(_phases(history)):
        points = [(position(r), read(r)) for r in [*last, *records]]
        points = [(x, y) for x, y in points if x > 0 and np.isfinite(y) and y > 0]
        colour = _COLOURS[(number if name else k) % len(_COLOURS)]
        label = (name if k == 0 else None) if name else phase
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", color=colour, label=label, zorder=3 - 0.1 * k)
        last = records[-1:]


def _mark_phases(axes: Axes, history, position) -> None:
    """A dotted line where one phase hands over to the next."""
    for _, records in _phases(history)[:-1]:
        if position(records[-1]) > 0:
            axes.axvline(position(records[-1]), color=_FAINT, linestyle=":", linewidth=1.2)


def _phases(history: Sequence[Record]) -> list[tuple[str, list[Record]]]:
    """The records of each phase, in order."""
    found: list[tuple[str, list[Record]]] = []
    for record in history:
        if not found or found[-1][0] != record.phase:
            found.append((record.phase, []))
        found[-1][1].append(record)
    return found


def _error_reader(name: str) -> Callable[[Record], float]:
    return lambda record: record.errors.get(name, float("nan"))


def _drawable(history, read: Callable[[Record], float]) -> bool:
    return any(np.isfinite(read(record)) and read(record) > 0 for record in history)


def _limits(arrays) -> tuple[float, float]:
    """Smallest and largest finite number, a little apart where they are equal."""
    finite = [a[np.isfinite(a)] for a in arrays if np.isfinite(a).any()]
    if not finite:
        return 0.0, 1.0
    low, high = min(float(a.min()) for a in finite), max(float(a.max()) for a in finite)
    return (low, high) if high > low else (low - 0.5 * abs(low or 1), high + 0.5 * abs(high or 1))


def _finite(values) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)


def _plain_format() -> FuncFormatter:
    """Each label in full, since a factor above the axis would push the title away."""
    return FuncFormatter(lambda value, _: f"{value:.4g}".replace("-", "−"))


def _scale_format() -> ScalarFormatter:
    formatter = ScalarFormatter(useOffset=False)
    formatter.set_powerlimits((-2, 3))
    return formatter


def _name_axes(axes: Axes, horizontal: str, vertical: str = "") -> None:
    axes.set_xlabel(horizontal)
    axes.set_ylabel(vertical, rotation=0 if len(vertical) < 3 else 90, va="center")


@contextmanager
def _canvas(width: float, height: float) -> Iterator[tuple[Figure, Callable[..., Axes], Callable[[str], Picture]]]:
    """A figure, what adds axes to it (in inches), and what makes it a `Picture`, whatever the user's settings are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure, content = Figure(figsize=(width, height)), io.BytesIO()

        def place(left, bottom, wide, high) -> Axes:
            return figure.add_axes((left / width, bottom / height, wide / width, high / height))

        yield figure, place, lambda alt: Picture(_adaptive(content.getvalue().decode()), alt)
        figure.savefig(content, format="svg", dpi=180, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))


def _adaptive(svg: str) -> str:
    """A data URI of the drawing, its shades of grey replaced by variables that follow the colour scheme."""
    for name, (light, _) in _SHADES.items():
        svg = svg.replace(light, f"var(--{name})")
    light_rule, dark_rule = (
        "svg{" + ";".join(f"--{name}:{shades[k]}" for name, shades in _SHADES.items()) + "}" for k in (0, 1)
    )
    style = f"<style>{light_rule}@media (prefers-color-scheme: dark){{{dark_rule}}}</style>"
    svg = re.sub(r"(<svg\b[^>]*>)", lambda found: found[1] + style, svg, count=1)
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
