"""Problems in time alone: a stiff oscillator, a long one, and three coefficients from measurements."""

import numpy as np
from sympy import Eq, cos, pi

from spindle.errors import ProblemError
from spindle.geometry.domain import Interval
from spindle.problem.conditions.initial import Initial
from spindle.problem.conditions.observed import Observed
from spindle.problem.problem import Problem
from spindle.reference.ordinary import LORENZ_START, lorenz
from spindle.reference.ordinary import van_der_pol as van_der_pol_reference
from spindle.symbolic.symbols import coordinates, parameter, unknown


def van_der_pol(mu: float = 1000, end: float = 2000) -> Problem:
    """u'' = mu (1 - u^2) u' - u on [0, end], u(0) = 2, u'(0) = 0; mu = 1000: slow arcs between jumps of width 1/mu.

    mu    stiffness
    end   the last instant; at mu = 1000 a period is 1614 long
    Reference: Radau's method, right to 1e-13, with a stated error of 2e-10 from another integrator; at whole seconds,
    none of which lies in a jump, so that a jump that comes late hardly counts: estimates count it.
    Source: Hairer & Wanner (1996), Solving Ordinary Differential Equations II, section IV.1. No published best.
    Raises ProblemError where mu or the end is not positive.
    """
    if not (mu > 0 and end > 0):
        raise ProblemError(
            f"`van_der_pol` was given mu = {mu:g} and end = {end:g}; it needs a positive stiffness and a positive time."
        )
    t = coordinates("t")
    u = unknown("u", t)
    stiffness = parameter("mu", mu)
    return Problem(
        domain=Interval(t, 0, end),
        equations=[Eq(u.diff(t, 2), stiffness * (1 - u**2) * u.diff(t) - u)],
        conditions=[Initial(u, 2), Initial(u.diff(t), 0)],
        reference={u: van_der_pol_reference(float(mu), float(end))},
        name="van_der_pol",
        title="Van der Pol's oscillator",
        citation="Hairer & Wanner (1996), Solving Ordinary Differential Equations II",
    )


def oscillator_long(periods: int = 40) -> Problem:
    """u'' + u = 0 on [0, 2 pi periods], u(0) = 1, u'(0) = 0, forty periods; u = cos t.

    Source: a textbook problem; no single origin, and no published best for so long a time is known.
    Raises ProblemError where there is no period.
    """
    if periods < 1:
        raise ProblemError(f"`oscillator_long` was given periods = {periods}; it needs one at least.")
    t = coordinates("t")
    u = unknown("u", t)
    return Problem(
        domain=Interval(t, 0, 2 * pi * periods),
        equations=[Eq(u.diff(t, 2) + u, 0)],
        conditions=[Initial(u, 1), Initial(u.diff(t), 0)],
        reference={u: cos(t)},
        name="oscillator_long",
        title="An oscillator over many periods",
    )


def lorenz_inverse(points: int = 25) -> Problem:
    """x' = sigma (y - x), y' = x (rho - z) - y, z' = x y - beta z on [0, 3]; sigma, rho, beta from 25 measurements.

    points   equally spaced instants of measurement of x, y and z, without noise
    The coefficients start at 1; the measurements are of sigma = 10, rho = 15, beta = 8/3 from (-8, 7, 27).
    Reference: Runge-Kutta of order 8, right to 2e-12. No published best is known to more than three digits.
    Source: Lu, Meng, Mao & Karniadakis (2021), DeepXDE, SIAM Rev. 63.
    Raises ProblemError for fewer than two instants.
    """
    if points < 2:
        raise ProblemError(f"`lorenz_inverse` was given points = {points}; it needs two instants at least.")
    t = coordinates("t")
    x, y, z = fields = unknown("x y z", t)
    sigma, rho, beta = (parameter(name, 1.0, unknown=True) for name in ("sigma", "rho", "beta"))
    instants = np.linspace(0, 3, points)
    measured, reference = lorenz(t=instants), lorenz()
    return Problem(
        domain=Interval(t, 0, 3),
        equations=[
            Eq(x.diff(t), sigma * (y - x)),
            Eq(y.diff(t), x * (rho - z) - y),
            Eq(z.diff(t), x * y - beta * z),
        ],
        conditions=[
            *(Initial(field, start) for field, start in zip(fields, LORENZ_START, strict=True)),
            *(Observed(f, {t: instants}, measured[n].values.tolist()) for f, n in zip(fields, "xyz", strict=True)),
        ],
        reference={field: reference[name] for field, name in zip(fields, "xyz", strict=True)},
        name="lorenz_inverse",
        title="Lorenz's equations with unknown coefficients",
        citation="Lu, Meng, Mao & Karniadakis (2021), DeepXDE, SIAM Rev. 63",
    )
