"""What all pictures share: colours, scales, and SVG data URIs that follow the reader's light or dark scheme."""

import base64
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, ScalarFormatter

from spindle.report.images import as_indexed, data_uri

# Drawn in these colours, which the SVG then names by what they mean; see `_adaptive`.
_SHADES = {
    "ink": ("#23282e", "#dfe3e8"),
    "faint": ("#8b939c", "#7c858f"),
    "line": ("#dde1e6", "#3a414a"),
    "card": ("#fefffe", "#1c2126"),
    "empty": ("#eff1f4", "#262c33"),
}
_INK, FAINT, _LINE, _CARD, EMPTY = (light for light, _ in _SHADES.values())
COLOURS = ("#2f7fc1", "#e07b39", "#3f9e6e", "#a565b5", "#b8962e", "#c2566b")
_STYLE: Any = {
    "font.size": 9,
    "axes.labelsize": 10,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.linewidth": 0.7,
    "axes.edgecolor": FAINT,
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
_STYLE |= dict.fromkeys(("xtick.color", "ytick.color"), FAINT)
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Picture:
    """An image: its data URI, and what it shows, for those who cannot see it."""

    uri: str
    alt: str


@contextmanager
def canvas(width: float, height: float) -> Iterator[tuple[Figure, Callable[..., Axes], Callable[[str], Picture]]]:
    """A figure, a function that adds axes (in inches), and one that makes a `Picture`, whatever the user's settings."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure, content = Figure(figsize=(width, height)), io.BytesIO()

        def place(left, bottom, wide, high) -> Axes:
            return figure.add_axes((left / width, bottom / height, wide / width, high / height))

        yield figure, place, lambda alt: Picture(_adaptive(content.getvalue().decode()), alt)
        figure.savefig(content, format="svg", dpi=180, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))


def limits(arrays) -> tuple[float, float]:
    """The smallest and the largest finite number, moved a little apart where they are equal."""
    known = [a[np.isfinite(a)] for a in arrays if np.isfinite(a).any()]
    if not known:
        return 0.0, 1.0
    low, high = min(float(a.min()) for a in known), max(float(a.max()) for a in known)
    return (low, high) if high > low else (low - 0.5 * abs(low or 1), high + 0.5 * abs(high or 1))


def finite(values) -> np.ndarray:
    """The values with NaN for infinities; a line breaks off there."""
    return np.where(np.isfinite(values), values, np.nan)


def scale(axis, set_scale, numbers) -> None:
    """Make an axis logarithmic where numbers span a decade; on less, it would have next to no labels."""
    positive = [n for n in numbers if np.isfinite(n) and n > 0]
    if max(positive, default=1) < 10 * min(positive, default=1):
        axis.set_major_formatter(plain_format())
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        return
    set_scale("log")
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"10{str(round(np.log10(value))).translate(_RAISED)}"))
    axis.set_minor_formatter(NullFormatter())


def plain_format() -> FuncFormatter:
    """A format that writes each label in full, since a factor above the axis would push the title away."""
    return FuncFormatter(lambda value, _: f"{value:.4g}".replace("-", "−"))


def scale_format() -> ScalarFormatter:
    """A format for labels of a colour scale, with one factor for all where they are large or small."""
    formatter = ScalarFormatter(useOffset=False)
    formatter.set_powerlimits((-2, 3))
    return formatter


def name_axes(axes: Axes, horizontal: str, vertical: str = "") -> None:
    """Label the axes, the vertical one upright where its name is short."""
    axes.set_xlabel(horizontal)
    axes.set_ylabel(vertical, rotation=0 if len(vertical) < 3 else 90, va="center")


def _adaptive(svg: str) -> str:
    """A data URI of the drawing, its shades of grey replaced by variables that follow the colour scheme."""
    for name, (light, _) in _SHADES.items():
        svg = svg.replace(light, f"var(--{name})")
    light_rule, dark_rule = (
        "svg{" + ";".join(f"--{name}:{shades[k]}" for name, shades in _SHADES.items()) + "}" for k in (0, 1)
    )
    style = f"<style>{light_rule}@media (prefers-color-scheme: dark){{{dark_rule}}}</style>"
    svg = re.sub(r'data:image/png;base64,([^"]*)', lambda match: data_uri(as_indexed(base64.b64decode(match[1]))), svg)
    svg = re.sub(r"\s*\n\s*", " ", re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)).replace("> <", "><")
    svg = re.sub(r"(<svg\b[^>]*>)", lambda match: match[1] + style, svg, count=1)
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
