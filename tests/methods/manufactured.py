"""Problems with a chosen solution, on any domain."""

from sympy import Eq

import spindle as spd

t = spd.coordinates("t")


def manufactured(domain, exact, **others):
    u = spd.unknown("u", *domain.coordinates)
    operator = spd.laplacian(u) - (u.diff(t) if t in domain.coordinates else 0)
    conditions = [spd.Dirichlet(u, exact)] + ([spd.Initial(u, exact.subs(t, 0))] if t in domain.coordinates else [])
    return spd.Problem(
        domain=domain,
        equations=[Eq(operator, spd.manufactured(operator, {u: exact}))],
        conditions=conditions,
        reference={u: exact},
        **others,
    )
