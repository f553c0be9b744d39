"""All gallery problems by name."""

import inspect
from collections.abc import Callable

from spindle.errors import ProblemError, nearest
from spindle.gallery.diffusion import diffusion3d, diffusion6d
from spindle.gallery.flow_mixing import flow_mixing3d
from spindle.gallery.grid_path import sine_gordon2d, variable_coefficient2d
from spindle.gallery.helmholtz import helmholtz3d
from spindle.gallery.klein_gordon import klein_gordon3d, klein_gordon4d
from spindle.gallery.poisson import poisson2d, poisson_lshape
from spindle.gallery.poisson_nd import poisson_nd
from spindle.gallery.transport import allen_cahn, burgers, convection
from spindle.problem.problem import Problem

GALLERY: dict[str, Callable[..., Problem]] = {
    build.__name__: build
    for build in (
        helmholtz3d,
        klein_gordon3d,
        klein_gordon4d,
        diffusion3d,
        diffusion6d,
        flow_mixing3d,
        poisson2d,
        poisson_lshape,
        poisson_nd,
        sine_gordon2d,
        variable_coefficient2d,
        burgers,
        allen_cahn,
        convection,
    )
}


def summary(name: str) -> str:
    """The first line of a problem's description."""
    return (inspect.getdoc(builder(name)) or "").splitlines()[0]


def options(name: str) -> dict[str, object]:
    """The arguments of a problem and their defaults."""
    return {p.name: p.default for p in inspect.signature(builder(name)).parameters.values()}


def builder(name: str) -> Callable[..., Problem]:
    """The function that makes a gallery problem."""
    if name not in GALLERY:
        raise ProblemError(f"There is no problem `{name}` in the gallery." + nearest(name, GALLERY))
    return GALLERY[name]


def gallery(name: str, **arguments) -> Problem:
    """A gallery problem by name: `gallery("helmholtz3d", a1=6)`."""
    make, known = builder(name), options(name)
    for key in arguments:
        if key not in known:
            raise ProblemError(f"The problem `{name}` has no option `{key}`." + nearest(key, known))
    return make(**arguments)
