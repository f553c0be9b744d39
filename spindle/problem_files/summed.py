"""Words of formulas that integrate: `integral(...)` of unknowns, and `point_source(...)`, whose integral is one.

Each takes the reader of a formula and the tree of the call.
"""

import sympy

from spindle.problem_files.hints import WITH_ARGUMENTS
from spindle.symbolic.point_source import spread_source
from spindle.symbolic.symbols import unknowns_in


def integral(reader, node):
    """`integral(x*s*u, s, 0, 1)`: over s, unknowns at s."""
    if len(node.parts) != 4 or node.parts[1].kind != "name":
        reader.refuse(
            node, "`integral` takes what is integrated, its variable and two limits; write `integral(x*s*u, s, 0, 1)`."
        )
    name = node.parts[1].name
    if name in reader.names.known or name in reader.names.definitions or name in WITH_ARGUMENTS:
        reader.refuse(node.parts[1], f"`{name}` has a meaning already; the variable of an integral needs a new name.")
    low, high = (reader.scalar(part, "a limit") for part in node.parts[2:])
    variable = sympy.Symbol(name, real=True)
    reader.names.known[name] = variable
    try:
        integrand = reader.scalar(node.parts[0], "`integral`")
    finally:
        del reader.names.known[name]
    if not unknowns_in(integrand) or len(reader.names.coordinates) != 1:
        reader.refuse(node, "`integral` takes an expression in an unknown, in a problem of one coordinate.")
    (x,) = reader.names.coordinates
    fields = [d for d in integrand.atoms(sympy.Derivative) if unknowns_in(d)] + unknowns_in(integrand)
    return sympy.Integral(integrand.xreplace({f: f.subs(x, variable) for f in fields}), (variable, low, high))


def point_source(reader, node):
    """`point_source(0.05, x - 0.3, y - 0.4)`: a width and the distances from a point."""
    if len(node.parts) < 2:
        reader.refuse(node, "`point_source` takes a width and distances; write `point_source(0.05, x - 0.3, y - 0.4)`.")
    width, *gaps = (reader.scalar(part, "`point_source`") for part in node.parts)
    values = reader.limits.samples.of(width) if not width.free_symbols else None
    if values is not None and not values[0] > 0:
        reader.refuse(node.parts[0], "the width over which a point source is spread is positive, such as 0.05.")
    reader.refuse(node, reader.limits.power(width, sympy.Integer(-len(gaps))))
    return spread_source(gaps, width)


SUMMED = {"integral": integral, "point_source": point_source}
