"""Exact outlines of domains in the plane, along which pictures of fields are cut out."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from scipy.ndimage import distance_transform_edt

from spindle.geometry.domain import BoxUnion, Domain
from spindle.geometry.planar import Planar, Rectangles
from spindle.geometry.shape_domain import ShapeDomain

_PANELS = 12  # points of a drawn arc for each panel that its length takes
_BEYOND = 2  # pixels that a field is continued outside, to be cut off along the outline


def outline(domain: Domain, shown: tuple[str, ...]) -> Path | None:
    """The outline of a domain in a plane of two coordinates, named as they are drawn; None where none is known.

    None as well where the domain is a box, which a picture shows whole.
    """
    shape = domain.shape if isinstance(domain, ShapeDomain) else domain
    names = [c.name for c in shape.coordinates]
    if len(names) != 2 or set(names) != set(shown):
        return None
    if isinstance(shape, BoxUnion):
        shape = Rectangles(shape)
    if not isinstance(shape, Planar):
        return None
    columns = [names.index(name) for name in shown]
    paths = [Path(_points(loop)[:, columns], closed=True) for loop in shape.loops]
    return Path.make_compound_path(*paths)


def cut_out(axes: Axes, picture, path: Path | None, colour) -> None:
    """Show a picture inside the outline alone, and draw the outline."""
    if path is None:
        return
    patch = PathPatch(path, facecolor="none", edgecolor=colour, linewidth=0.8, zorder=3)
    axes.add_patch(patch)
    picture.set_clip_path(patch)


def continued(values: np.ndarray) -> np.ndarray:
    """A field on a grid with NaN outside, continued by two pixels: the nearest values inside."""
    outside = ~np.isfinite(values)
    if not outside.any() or outside.all():
        return values
    distance, nearest = distance_transform_edt(outside, return_indices=True)
    return np.where(distance <= _BEYOND, values[tuple(nearest)], np.nan)


def _points(loop) -> np.ndarray:
    """Points (n, 2) along a loop, the first one repeated at the end."""
    pieces = [arc.at(np.linspace(arc.start, arc.end, _PANELS * arc.panels + 1))[0][:-1] for arc in loop]
    points = np.concatenate(pieces)
    return np.concatenate([points, points[:1]])
