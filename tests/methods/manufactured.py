"""Problems with a chosen solution, on any domain."""

from sympy import Eq

import spindle as sp

t = sp.coordinates("t")


def manufactured(domain, exact, **others):
    u = sp.unknown("u", *domain.coordinates)
    operator = sp.laplacian(u) - (u.diff(t) if t in domain.coordinates else 0)
    conditions = [sp.Dirichlet(u, exact)] + ([sp.Initial(u, exact.subs(t, 0))] if t in domain.coordinates else [])
    return sp.Problem(
        domain=domain,
        equations=[Eq(operator, sp.manufactured(operator, {u: exact}))],
        conditions=conditions,
        reference={u: exact},
        **others,
    )
