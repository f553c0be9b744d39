"""`eigenpairs`: the eigenvalues of a linear operator, and fields that it only multiplies."""

import math
import time

from spindle.classical.box_eigenpairs import box_eigenpairs, refusal
from spindle.errors import MethodError, ProblemError, shown, usage
from spindle.lowering.pencil import Pencil, pencil_of
from spindle.methods.base import Method
from spindle.methods.dtpinn import DTPINN
from spindle.methods.nodal_eigenpairs import nodal_eigenpairs
from spindle.methods.registry import label, method_named
from spindle.methods.spinn import SPINN
from spindle.problem.problem import Problem
from spindle.results.eigenpairs import Eigenpairs

_MOST = 1_000  # pairs
_USUAL = {2: (6, 3_000), 3: (4, 4_000)}  # order and nodes of differences, by the dimension


@usage("spd.eigenpairs(problem, count=6)", error=MethodError)
def eigenpairs(
    problem: Problem, count: int = 6, *, method: Method | str | None = None, near: float = 0.0
) -> Eigenpairs:
    """The eigenpairs of a linear problem whose eigenvalues are nearest to a number, in ascending order.

    problem   linear and homogeneous in its unknowns, with `lam = spd.parameter("lam", eigenvalue=True)` in an equation
              or in conditions on the boundary, linear too
    count     how many, 1 to 1,000; equal eigenvalues are counted as often as they have eigenfunctions
    method    `spd.SPINN()`: on one box, polynomials along each axis; its `width` is their number, "auto" as many as it
              takes. Where each term belongs to one axis, as in a Laplacian, in any number of dimensions and exact but
              for rounding, in milliseconds; else up to three, in seconds.
              `spd.DTPINN()`: on any domain in two or three dimensions, RBF-FD differences of its `order` on its
              `nodes`, finer at re-entrant corners unless `density` says otherwise; several unknowns; in seconds.
              None: the first where it fits, else the second, of order 6 on 3,000 nodes (4 on 4,000 in space)
    near      the number that the eigenvalues are nearest to; at 0, the smallest ones of a definite operator

    Each pair has a residual and an estimated error, and a verdict by both. Eigenvalues that are not real are complex.
    A method of training takes no eigenproblem: eigenfunctions have no size and no order that a loss would know.

    >>> import spindle as spd
    >>> from sympy import Eq
    >>> x, y = spd.coordinates("x y")
    >>> u, lam = spd.unknown("u", x, y), spd.parameter("lam", eigenvalue=True)
    >>> square = spd.Box({x: (0, "pi"), y: (0, "pi")})
    >>> membrane = spd.Problem(square, [Eq(-spd.laplacian(u), lam * u)], [spd.Dirichlet(u, 0)])
    >>> spd.eigenpairs(membrane, count=4).values.round(9).tolist()
    [2.0, 5.0, 5.0, 8.0]

    Raises ProblemError where the problem is no such problem, MethodError where the method does not take it.
    """
    _check(problem, count, near)
    began = time.perf_counter()
    pencil = pencil_of(problem)
    if isinstance(method, str):
        method = method_named(method, {})
    chosen = method or _fitting(pencil)
    if isinstance(chosen, SPINN):
        width = chosen.width if isinstance(chosen.width, int) else None
        spectrum = box_eigenpairs(pencil, count, float(near), width)
    elif isinstance(chosen, DTPINN):
        spectrum = nodal_eigenpairs(pencil, chosen, count, float(near))
    else:
        raise MethodError(
            f"`spd.eigenpairs(..., method={shown(method)})` takes eigenpairs from `spd.SPINN()` on a box or from "
            f"`spd.DTPINN()` on any domain; other methods train a network, to which eigenfunctions have no size."
        )
    return Eigenpairs(problem, label(chosen), spectrum, time.perf_counter() - began)


def _fitting(pencil: Pencil) -> Method:
    """The method that fits: polynomials where the problem is one for them, else differences."""
    dimension = len(pencil.problem.coordinates)
    if dimension not in _USUAL or not refusal(pencil):
        return SPINN()
    order, nodes = _USUAL[dimension]
    return DTPINN(order=order, nodes=nodes)


def _check(problem, count, near) -> None:
    if not isinstance(problem, Problem):
        raise ProblemError(
            f"`spd.eigenpairs({shown(problem)})` was given no `spd.Problem`; pose one with an eigenvalue."
        )
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= _MOST:
        raise MethodError(f"`spd.eigenpairs(count={shown(count)})` needs a whole number from 1 to {_MOST}.")
    if isinstance(near, bool) or not isinstance(near, (int, float)) or not math.isfinite(near):
        raise MethodError(f"`spd.eigenpairs(near={shown(near)})` needs a finite number; leave it out for 0.")
