"""A plane that moves through time or along a third coordinate, as small images that a few lines of script exchange."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import matplotlib
import numpy as np

from spindle.report.canvas import Picture
from spindle.report.figures import Pane, Placement, empty_plane, panes, shared_limits
from spindle.report.images import data_uri, indexed_png
from spindle.report.slices import Motion, Sample, chief_fields, choose_motion, sample_motion
from spindle.results.solution import Solution

_WEIGHT = 2_000_000  # bytes of all images; fields beyond are left out
_SHADES = 128  # of a colour scale, close enough that no steps are seen


@dataclass(frozen=True)
class Panel:
    """One picture of a film: its axes, the box in them where the images belong, and the images.

    spread   how far the images reach beyond their place: a pixel is centred at its node, also at the ends
    """

    title: str
    axes: Picture
    box: Placement
    spread: Placement
    images: tuple[str, ...]


@dataclass(frozen=True)
class Film:
    """One field on a moving plane: the place at each position, and panels of solution, reference and error.

    start   the position that is shown first
    """

    name: str
    places: tuple[str, ...]
    start: int
    panels: tuple[Panel, ...]

    @property
    def reel(self) -> dict:
        """The data of the film for the script."""
        return {"places": self.places, "images": [panel.images for panel in self.panels]}


@dataclass(frozen=True)
class Player:
    """All fields that can be chosen; `rest` says where the coordinates are fixed along which nothing moves."""

    motion: Motion
    rest: str
    films: tuple[Film, ...]


def player(solution: Solution) -> Player | None:
    """A player of fields on a moving plane: those with a reference, or all where none has one, at most four.

    None where nothing can move, see `choose_motion`.
    """
    motion = choose_motion(solution)
    if motion is None:
        return None
    taken = {name: sample_motion(solution, u, motion) for name, u in chief_fields(solution).items()}
    films = [_film(name, samples, motion) for name, samples in taken.items()]
    weights = accumulate(sum(len(uri) for panel in film.panels for uri in panel.images) for film in films)
    fit = [film for film, weight in zip(films, weights, strict=True) if weight <= _WEIGHT]
    still = next(iter(taken.values()))[0].fixed
    rest = ", ".join(f"{c} = {value:.4g}" for c, value in still.items() if c != motion.along)
    return Player(motion, rest, tuple(fit or films[:1]))


def _film(name: str, samples: Sequence[Sample], motion: Motion) -> Film:
    ends = shared_limits(samples)
    beside = zip(*(panes(name, s, *ends) for s in samples), strict=True)
    shown = [_panel(samples[0], frames, [motion.along] if motion.timed else []) for frames in beside]
    positions = [s.fixed[motion.along] for s in samples]
    start = 0 if motion.timed else int(np.argmin(np.abs(np.array(positions) - motion.plane.fixed[motion.along])))
    return Film(name, tuple(f"{motion.along} = {value:.4g}" for value in positions), start, tuple(shown))


def _panel(sample: Sample, frames: Sequence[Pane], times: Sequence[str]) -> Panel:
    first = frames[0]
    axes, box = empty_plane(sample, first, times)
    rows, columns = (_nearest(nodes) for nodes in reversed(sample.nodes))
    scale, grid = _scale(first.colours), np.ix_(rows[::-1], columns)
    images = tuple(data_uri(indexed_png(_shades(pane.values[grid], first.ends), scale)) for pane in frames)
    wide, high = (1 / max(1, len(numbers) - 1) for numbers in (columns, rows))
    spread = Placement(-wide / 2, -high / 2, 1 + wide, 1 + high)
    return Panel(first.title, axes, box, spread, images)


def _nearest(nodes: np.ndarray) -> np.ndarray:
    """The number of the node nearest to each of evenly spaced pixels, as many as there are nodes."""
    even = np.linspace(nodes[0], nodes[-1], len(nodes))
    return np.argmin(np.abs(nodes[:, None] - even), axis=0)


def _shades(values: np.ndarray, ends) -> np.ndarray:
    """The number of each value's colour; the last number means outside the domain or not finite."""
    share = (np.where(np.isfinite(values), values, ends[0]) - ends[0]) / (ends[1] - ends[0])
    shades = np.round(np.clip(share, 0, 1) * (_SHADES - 1))
    return np.where(np.isfinite(values), shades, _SHADES).astype(np.uint8)


def _scale(colours: str) -> np.ndarray:
    """The colours of a scale (n, 4), the last one transparent."""
    shades = matplotlib.colormaps[colours](np.linspace(0, 1, _SHADES), bytes=True)
    return np.concatenate([shades, np.zeros((1, 4), np.uint8)])
