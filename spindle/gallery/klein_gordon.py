"""Klein-Gordon equation with a quadratic nonlinearity and a manufactured solution, in 2+1 and 3+1 dimensions."""

from sympy import Eq, cos, prod, sin, sympify

from spindle.geometry.domain import Box
from spindle.problem.conditions.boundary import Dirichlet
from spindle.problem.conditions.initial import Initial
from spindle.problem.problem import Problem
from spindle.symbolic.operators import laplacian, manufactured
from spindle.symbolic.symbols import coordinates, unknown

_NOTE = (
    "The published protocol never imposes u_t at the start, which leaves the solution undetermined; it is imposed "
    "here, and left out by recipe `paper`."
)


def _klein_gordon(letters: str, k, name: str) -> Problem:
    t = coordinates("t")
    space = coordinates(letters)
    k = sympify(k)
    u = unknown("u", t, *space)
    exact = sum(space) * cos(k * t) + prod(space) * sin(k * t)
    operator = u.diff(t, 2) - laplacian(u) + u**2
    return Problem(
        domain=Box({t: (0, 10)} | {x: (-1, 1) for x in space}),
        equations=[Eq(operator, manufactured(operator, {u: exact}))],
        conditions=[Initial(u, sum(space)), Initial(u.diff(t), k * prod(space)), Dirichlet(u, exact)],
        reference={u: exact},
        name=name,
        title=f"Klein-Gordon equation in {len(space)}+1 dimensions",
        citation="Cho et al. (2023), Separable Physics-Informed Neural Networks, NeurIPS",
        notes=_NOTE,
        published=name,
    )


def klein_gordon3d(k: float = 2) -> Problem:
    """u_tt - Lap u + u^2 = f on [0, 10] x [-1, 1]^2; u = (x + y) cos kt + x y sin kt, of CP rank 3.

    Source: Cho et al. (2023), arXiv 2306.15969, section 4 (k = 2).
    """
    return _klein_gordon("x y", k, "klein_gordon3d")


def klein_gordon4d(k: float = 2) -> Problem:
    """u_tt - Lap u + u^2 = f on [0, 10] x [-1, 1]^3; u = (x + y + z) cos kt + x y z sin kt, of CP rank 3.

    Source: Cho et al. (2023), arXiv 2306.15969, section 4. The paper prints k = 1; its table fits k = 2, used here.
    """
    return _klein_gordon("x y z", k, "klein_gordon4d")
