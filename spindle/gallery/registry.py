"""All gallery problems by name."""

import inspect
import math
from collections.abc import Callable
from typing import get_args

from spindle.errors import ProblemError, SpindleError, nearest, shown
from spindle.gallery.diffusion import diffusion3d, diffusion6d, heat_long
from spindle.gallery.disk import heat_disk, nonlinear_poisson_disk, poisson_ball, poisson_disk
from spindle.gallery.dispersive import kdv, kuramoto_sivashinsky, nonlinear_schroedinger
from spindle.gallery.families import (
    advection_diffusion_family,
    convection_diffusion_reaction,
    convection_family,
)
from spindle.gallery.flow_mixing import flow_mixing3d
from spindle.gallery.flows import kovasznay, lid_driven_cavity, navier_stokes3d, navier_stokes4d
from spindle.gallery.fronts import boundary_layer, burgers2d, burgers_moving, burgers_two_fronts
from spindle.gallery.helmholtz import helmholtz3d, helmholtz_high
from spindle.gallery.klein_gordon import klein_gordon3d, klein_gordon4d
from spindle.gallery.many_axes import poisson_nd
from spindle.gallery.materials import inclusion, two_materials, two_materials2d
from spindle.gallery.not_separable import sine_gordon2d, variable_coefficient2d
from spindle.gallery.ordinary import lorenz_inverse, oscillator_long, van_der_pol
from spindle.gallery.patterns import ginzburg_landau, gray_scott
from spindle.gallery.poisson import poisson2d, poisson_lshape
from spindle.gallery.regions import advection_diffusion_annulus, poisson_cad, poisson_holes, poisson_star
from spindle.gallery.transport import allen_cahn, burgers, convection
from spindle.gallery.waves import advection_fast, wave_multiscale
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
        navier_stokes3d,
        navier_stokes4d,
        kovasznay,
        lid_driven_cavity,
        poisson2d,
        poisson_lshape,
        poisson_nd,
        sine_gordon2d,
        variable_coefficient2d,
        burgers,
        allen_cahn,
        convection,
        kdv,
        kuramoto_sivashinsky,
        nonlinear_schroedinger,
        advection_fast,
        wave_multiscale,
        burgers_moving,
        burgers_two_fronts,
        boundary_layer,
        two_materials,
        two_materials2d,
        inclusion,
        burgers2d,
        gray_scott,
        ginzburg_landau,
        van_der_pol,
        oscillator_long,
        lorenz_inverse,
        helmholtz_high,
        heat_long,
        poisson_disk,
        nonlinear_poisson_disk,
        heat_disk,
        poisson_ball,
        poisson_star,
        poisson_holes,
        advection_diffusion_annulus,
        poisson_cad,
        convection_family,
        convection_diffusion_reaction,
        advection_diffusion_family,
    )
}


def summary(name: str) -> str:
    """The first line of a problem's docstring: its equation and domain."""
    return (inspect.getdoc(builder(name)) or "").splitlines()[0]


def options(name: str) -> dict[str, object]:
    """{argument: default} of the function that makes a problem."""
    return {p.name: p.default for p in inspect.signature(builder(name)).parameters.values()}


def builder(name: str) -> Callable[..., Problem]:
    """The function that makes a gallery problem. Raises ProblemError where there is none of that name."""
    if name not in GALLERY:
        raise ProblemError(f"There is no problem `{name}` in the gallery." + nearest(name, GALLERY))
    return GALLERY[name]


def gallery(name: str, **arguments) -> Problem:
    """A gallery problem by name: `gallery("helmholtz3d", a1=6)`; its `origin` says how it was made.

    Raises ProblemError where the problem or an option is not known, and where it cannot be posed with these values.
    """
    make, known = builder(name), options(name)
    for key in arguments:
        if key not in known:
            raise ProblemError(f"The problem `{name}` has no option `{key}`." + nearest(key, known))
    given = {key: _option(name, key, value) for key, value in arguments.items()}
    try:
        return make(**given).named(name, given)
    except SpindleError:
        raise
    except (ValueError, ArithmeticError) as error:  # of a reference solver, or of a formula such as 1 / option
        written = ", ".join(f"{key}={value}" for key, value in given.items())
        raise ProblemError(
            f"The problem `{name}` cannot be posed with {written}: {error}.".replace("..", ".")
        ) from error


def _option(name: str, key: str, value) -> int | float | str:
    """The value of an option: one of its words where it has some, else a number, whole where the option is."""
    kind = inspect.signature(builder(name)).parameters[key].annotation
    if words := get_args(kind):
        if value not in words:
            raise ProblemError(
                f"The option `{key}` of {name} needs one of {', '.join(words)}, and was given {shown(value)}."
            )
        return value
    return _number(name, key, value, whole=kind is int)


def _number(name: str, key: str, value, *, whole: bool) -> int | float:
    """The value of an option that is a number."""
    try:
        number = math.nan if isinstance(value, (str, bool)) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ProblemError(f"The option `{key}` of {name} needs a finite number, and was given {shown(value)}.")
    if whole:
        if not number.is_integer():
            raise ProblemError(f"The option `{key}` of {name} needs a whole number, and was given {shown(value)}.")
        return int(number)
    return value if isinstance(value, (int, float)) else number
