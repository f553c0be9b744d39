"""`Problem`: the mathematics of one partial differential equation, complete and checked."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
import sympy
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import BooleanAtom

from spindle.errors import ProblemError, nearest, usage
from spindle.geometry.domain import Domain
from spindle.problem.branches import in_one_branch
from spindle.problem.checking import check_problem
from spindle.problem.closed import ClosedForm, reference_of
from spindle.problem.complex_parts import real_conditions, real_equations, real_quantities, real_references
from spindle.problem.conditions.base import Condition, Periodicity, Piece, PrescribedValue
from spindle.problem.consistency.checks import doubted
from spindle.problem.consistency.doubt import Doubt
from spindle.problem.consistency.jumps import check_jumps
from spindle.problem.consistency.references import misfits
from spindle.problem.curves import LevelInterface, curves
from spindle.problem.fewer_coordinates import constancy, spread_in, spread_over
from spindle.problem.formulas import as_html
from spindle.problem.integrals import IntegralTerm, masked
from spindle.problem.integrals import split as integrals_of
from spindle.problem.interfaces import Interface, interfaces
from spindle.problem.meetings import Meeting, factor, meetings
from spindle.problem.printing import describe_latex, describe_with_doubts
from spindle.problem.publication import publication
from spindle.problem.references import Reference
from spindle.symbolic.complex_parts import complex_unknowns
from spindle.symbolic.expressions import expression_of
from spindle.symbolic.fluxes import folded, pointwise
from spindle.symbolic.operators import manufactured
from spindle.symbolic.symbols import Parameter, allows_complex, by_name, is_space, is_time, namesakes, unknowns_in
from spindle.symbolic.words import shown, text


@dataclass(frozen=True, repr=False)
class Equation:
    """`residual = 0` inside the domain; the residual is the left side minus the right side.

    written   as it was handed in; fluxes that jump stand under their derivatives, which are carried out in the residual
    integrals   of unknowns, which are added to the residual
    """

    name: str
    residual: sympy.Expr
    written: sympy.Eq
    integrals: tuple[IntegralTerm, ...] = ()

    @property
    def with_fluxes(self) -> sympy.Expr:
        """The residual with fluxes that jump under their derivatives."""
        return self.written.lhs - self.written.rhs

    def __repr__(self):
        return f"<{self.name}: {text(self.written)}>"


@usage("spd.Problem(domain=box, equations=[Eq(spd.laplacian(u), 1)], conditions=[spd.Dirichlet(u, 0)])")
@dataclass(frozen=True, repr=False)
class Problem:
    """A partial differential equation with its domain, conditions and (where known) solution.

    domain      a `Box`, an `Interval`, a shape such as `Disk` or `Polygon`, any of them joined by `|`, `-`, `&`, or a
                shape times an interval of time; its order of coordinates is that of all arrays
    equations   SymPy `Eq`s (scalar or between column vectors), or expressions meant to vanish; a mapping names them
    conditions  `Dirichlet`, `Neumann`, `Robin`, `Initial`, `Periodic`, `Observed`, `Value`, `Linked`, `Mean`, `Total`
    reference   {unknown: closed form, or `GridReference` values on a grid, or of a family a `FamilyReference`}; also of
                quantities, by their expressions, which follow from the unknowns where these are closed forms
    name        a word for files and tables
    title, citation, notes   sentences for reports
    published   name of the settings of the paper that first solved the problem with a network, which a method's
                `recipe="paper"` takes; of problems of the gallery
    quantities  {name: expression in the unknowns}: what else is compared, drawn, and averaged over space

    Complex unknowns, `spd.unknown("psi", t, x, complex=True)`, are taken for two real ones each, `psi_re` and `psi_im`;
    so are equations, conditions, references and quantities that contain them, of the names `... re` and `... im`.
    Unknowns of fewer coordinates, the place `S = spd.unknown("S", t)` of a front beside `u(t, x)`, are taken for
    unknowns of all coordinates with an equation more for each that is missing, `S is constant in x`.

    origin      name and options in the gallery, or path of a problem file and values of its parameters; None for all
                other problems, and never given by hand

    Raises ProblemError when the parts do not fit together.
    """

    domain: Domain
    equations: Sequence | Mapping
    conditions: Sequence = ()
    reference: Mapping = field(default_factory=dict)
    name: str = "problem"
    title: str = ""
    citation: str = ""
    notes: str = ""
    published: str | Mapping = field(default_factory=dict)
    quantities: Mapping = field(default_factory=dict)
    # `origin` is no argument, so that `replace` forgets it: a problem with a part exchanged is no longer the gallery's.
    origin: tuple[str, Mapping] | None = field(default=None, init=False, compare=False)

    def __post_init__(self):
        if not isinstance(self.domain, Domain):
            raise ProblemError(
                f"`spd.Problem(domain={shown(self.domain)})` is no domain; write `spd.Box({{x: (0, 1), y: (0, 1)}})`."
            )
        for key in ("name", "title", "citation", "notes"):
            if not isinstance(getattr(self, key), str):
                raise ProblemError(
                    f"`spd.Problem({key}={shown(getattr(self, key))})` is no text, by which files and reports call the "
                    f'problem; write `{key}="heat"`.'
                )
        object.__setattr__(self, "published", publication(self.published))
        axes, written = self.domain.coordinates, self.equations
        object.__setattr__(self, "equations", _equations(self.equations, self.domain))
        written_in = [
            c.exchanged(swap) if (swap := namesakes(c.symbols(), axes)) else c for c in _flat(self.conditions)
        ]
        conditions = [real for c in written_in for real in real_conditions(c)]
        object.__setattr__(self, "reference", _reference(self.reference, axes))
        object.__setattr__(self, "quantities", _quantities(self.quantities, axes))
        conditions = self._spread(conditions)
        object.__setattr__(self, "conditions", _named(conditions, [e.name for e in self.equations]))
        check_problem(self)
        check_jumps(self, written)

    def _spread(self, conditions: list[Condition]) -> list[Condition]:
        """Spread unknowns of fewer coordinates over all, with equations that keep them constant along the others."""
        axes = self.coordinates
        written = [e.residual for e in self.equations]
        swap = spread_over(axes, [*written, *(e for c in conditions for e in c.expressions())])
        if not swap:
            return conditions
        added = [Equation(name, eq.lhs, eq) for u in swap.values() for name, eq in constancy(u, axes).items()]
        equations = [Equation(e.name, e.residual.xreplace(swap), e.written.xreplace(swap)) for e in self.equations]
        object.__setattr__(self, "equations", (*equations, *added))
        object.__setattr__(self, "reference", {swap.get(u, u): value for u, value in self.reference.items()})
        object.__setattr__(self, "quantities", {name: e.xreplace(swap) for name, e in self.quantities.items()})
        return [c.exchanged(swap) for c in conditions]

    def named(self, name: str, options: Mapping) -> "Problem":
        """The same problem with its origin written down: its name and options in the gallery, or its file."""
        copy = replace(self)
        object.__setattr__(copy, "origin", (name, dict(options)))
        return copy

    @property
    def coordinates(self) -> tuple[sympy.Symbol, ...]:
        """The coordinates, in the order of the domain."""
        return self.domain.coordinates

    @cached_property
    def unknowns(self) -> tuple[AppliedUndef, ...]:
        """The unknown fields, sorted by name: the order of a network's outputs."""
        return tuple(unknowns_in(sympy.Tuple(*self.expressions())))

    @cached_property
    def complex_unknowns(self) -> dict[AppliedUndef, tuple[AppliedUndef, AppliedUndef]]:
        """The complex unknowns, {psi: (psi_re, psi_im)}: the parts are among `unknowns` in their place."""
        return complex_unknowns(self.unknowns)

    @cached_property
    def spread(self) -> Mapping[AppliedUndef, AppliedUndef]:
        """The unknowns of fewer coordinates, {S(t): S(t, x)}: what they stand as among `unknowns`."""
        return spread_in(self.coordinates, self.unknowns)

    @property
    def fields(self) -> dict[str, sympy.Expr]:
        """The unknowns and the quantities, by name: whatever results are reported of."""
        return {u.func.__name__: u for u in self.unknowns} | dict(self.quantities)

    @cached_property
    def known(self) -> dict[sympy.Expr, Reference]:
        """The references, each as what answers for itself."""
        return {u: reference_of(value) for u, value in self.reference.items()}

    @property
    def closed_forms(self) -> dict[sympy.Expr, sympy.Expr]:
        """The references that are formulas."""
        return {u: reference.closed for u, reference in self.known.items() if reference.closed is not None}

    @cached_property
    def compared(self) -> dict[sympy.Expr, Reference]:
        """The references, and the closed forms of quantities that follow from those of the unknowns."""
        closed = {u: form for u, form in self.closed_forms.items() if u in self.unknowns}
        followed = {
            e: ClosedForm(manufactured(e, closed))
            for e in self.quantities.values()
            if e not in self.reference and set(unknowns_in(e)) <= set(closed)
        }
        return self.known | followed

    def name_of(self, expression) -> str:
        """The name of an unknown, complex or real, or of a quantity."""
        named = self.fields | {psi.func.__name__: psi for psi in self.complex_unknowns}
        return next(name for name, field in named.items() if field == expression)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters, sorted by name; those that are axes of the domain count as coordinates."""
        parameters = set()
        for e in self.expressions():
            parameters |= e.atoms(Parameter)
        return tuple(sorted(parameters - set(self.coordinates), key=lambda p: p.name))

    @cached_property
    def tunable(self) -> tuple[Parameter, ...]:
        """The parameters that are to be estimated, sorted by name."""
        return tuple(p for p in self.parameters if p.unknown)

    @property
    def eigenvalue(self) -> Parameter | None:
        """The parameter that is an eigenvalue, the first by name; None where the problem has solutions of its own."""
        return next((p for p in self.parameters if p.eigenvalue), None)

    @property
    def starts(self) -> dict[str, PrescribedValue]:
        """What conditions set at the first instant, by their names."""
        return {c.name: c.role.starts for c in self.conditions if c.role.starts is not None}

    @property
    def periodic(self) -> dict[str, Periodicity]:
        """What conditions make periodic, by their names."""
        return {c.name: c.role.periodic for c in self.conditions if c.role.periodic is not None}

    @property
    def time(self) -> int | None:
        """The number of the axis of time; None where nothing depends on it."""
        return next((k for k, c in enumerate(self.coordinates) if is_time(c)), None)

    @property
    def has_integrals(self) -> bool:
        """Whether an equation contains an integral of an unknown."""
        return any(equation.integrals for equation in self.equations)

    @property
    def space(self) -> tuple[int, ...]:
        """The numbers of the axes of space: neither time nor parameters."""
        return tuple(k for k, c in enumerate(self.coordinates) if is_space(c))

    @property
    def periodic_axes(self) -> frozenset[int]:
        """The numbers of the axes that some condition makes periodic."""
        return frozenset(self.coordinates.index(joined.axis) for joined in self.periodic.values())

    @property
    def beside_parts(self) -> list[str]:
        """The names of conditions that do not hold on parts of the boundary, alike at all of their points."""
        return [c.name for c in self.conditions if not c.role.is_on_parts]

    def __str__(self):
        return describe_with_doubts(self)

    def __repr__(self):
        parts = [shown([e.written for e in self.equations]), shown([c.name for c in self.conditions])]
        return f"<Problem {self.name} on {shown(self.domain)}: {parts[0]} with {parts[1]}>"

    def _repr_latex_(self):
        return f"$${describe_latex(self)}$$"

    def _repr_html_(self):
        return as_html(self)

    def expressions(self) -> list[sympy.Expr]:
        """The residual of every equation and of every piece of every condition."""
        pieces = [e for several in self.pieces.values() for piece in several for _, e in piece.terms]
        inner = [term.inner for equation in self.equations for term in equation.integrals]
        return [equation.residual for equation in self.equations] + inner + pieces

    @cached_property
    def pieces(self) -> Mapping[str, tuple[Piece, ...]]:
        """The pieces of each condition, {its name: pieces}."""
        return MappingProxyType({condition.name: condition.pieces(self.domain) for condition in self.conditions})

    @cached_property
    def interfaces(self) -> tuple[Interface, ...]:
        """The places on the axis of space where coefficients jump under a derivative, and what is continuous there."""
        return interfaces(self)

    @cached_property
    def curves(self) -> tuple[LevelInterface, ...]:
        """The same in two and three dimensions of space as levels, of which an interface may be any shape."""
        return curves(self)

    @cached_property
    def meetings(self) -> tuple[Meeting, ...]:
        """The places on the boundary where parts meet on which different conditions hold."""
        return meetings(self)

    @cached_property
    def factor(self) -> sympy.Expr:
        """What residuals of equations are multiplied by, since they are infinite where parts of the boundary meet."""
        return factor(self)

    @cached_property
    def doubted(self) -> tuple[Doubt, ...]:
        """Doubts about the problem before any solving; `str` lists them at its end."""
        return doubted(self)

    @cached_property
    def misfits(self) -> list[tuple[str, list[str], float]]:
        """(what, its unknowns, relative residual) of equations and conditions that closed forms were put into."""
        return misfits(self)

    @usage('problem.without(["dirichlet u"])', name="problem.without")
    def without(self, names: Iterable[str]) -> "Problem":
        """The same problem with the conditions of these names left out.

        Raises ProblemError where there is none of a name.
        """
        names = list(names)
        known = [c.name for c in self.conditions]
        for name in names:
            if name not in known:
                raise ProblemError(f"`{self.name}` has no condition `{name}` to leave out." + nearest(name, known))
        return replace(self, conditions=[c for c in self.conditions if c.name not in names])

    @usage("problem.at(nu=0.5)", name="problem.at")
    def at(self, **values: float) -> "Problem":
        """The member of the family with these parameter values; the parameters become constants.

        Raises ProblemError where a name is no parameter, or a value lies outside its range.
        """
        known = {p.name: p for p in self.parameters}
        for name, value in values.items():
            if name not in known:
                raise ProblemError(f"`{self.name}.at({name}=...)`: there is no such parameter." + nearest(name, known))
            low, high = known[name].bounds or (-np.inf, np.inf)
            if not low <= value <= high:
                raise ProblemError(
                    f"`{self.name}.at({name}={shown(value)})` is outside the declared range ({low:g}, {high:g}), where "
                    f"nothing is known about the problem; choose a value inside, or widen `range=`."
                )
        swap = {known[name]: Parameter(name, float(value)) for name, value in values.items()}
        conditions = [c.exchanged(swap) for c in self.conditions]
        equations = {e.name: sympy.Eq(e.with_fluxes.xreplace(swap), 0, evaluate=False) for e in self.equations}
        quantities = {name: e.xreplace(swap) for name, e in self.quantities.items()}
        members = {u.xreplace(swap): known.of_member(values, swap) for u, known in self.known.items()}
        reference = {u: member.written for u, member in members.items() if member is not None}
        return replace(self, equations=equations, conditions=conditions, reference=reference, quantities=quantities)


def _flat(conditions) -> list[Condition]:
    flat: list = []
    for item in conditions if isinstance(conditions, (list, tuple)) else [conditions]:
        flat.extend(_flat(item) if isinstance(item, (list, tuple)) else [item])
    for item in flat:
        if not isinstance(item, Condition):
            raise ProblemError(
                f"`spd.Problem(conditions=...)` was given {shown(item)}, which is no condition; use `spd.Dirichlet`, "
                f"`spd.Neumann`, `spd.Robin`, `spd.Initial`, `spd.Periodic`, `spd.Observed`, `spd.Value`, "
                f"`spd.Linked`, `spd.Mean` or `spd.Total`."
            )
    return flat


def _named(conditions, taken: Iterable[str]) -> tuple[Condition, ...]:
    """Make the names unique, among themselves and against those taken, by counting repetitions."""
    seen, named = set(taken), []
    for condition in conditions:
        numbers = (f" {k}" if k > 1 else "" for k in itertools.count(1))
        name = next(name for number in numbers if (name := condition.name + number) not in seen)
        seen.add(name)
        named.append(condition if name == condition.name else replace(condition, name=name))
    return tuple(named)


def _equations(equations, domain: Domain) -> tuple[Equation, ...]:
    axes = domain.coordinates
    if not isinstance(equations, (Mapping, list, tuple)):
        equations = [equations]
    labels = list(equations) if isinstance(equations, Mapping) else [None] * len(equations)
    values = list(equations.values()) if isinstance(equations, Mapping) else list(equations)
    split: list[tuple[str | None, sympy.Eq]] = []
    for label, item in zip(labels, values, strict=True):
        parts = [item.written] if isinstance(item, Equation) else _scalar_equations(item)
        sides = [[in_one_branch(by_name(side, axes), domain, closed=False) for side in part.args] for part in parts]
        label = item.name if isinstance(item, Equation) else label
        split += [
            (label if len(parts) == 1 or not label else f"{label} {k + 1}", sympy.Eq(left, right, evaluate=False))
            for k, (left, right) in enumerate(sides)
        ]
    many = len(split) > 1
    named = [(label or (f"equation {k + 1}" if many else "equation"), eq) for k, (label, eq) in enumerate(split)]
    real = [pair for label, eq in named for pair in real_equations(label, eq)]
    residuals = [integrals_of(eq.lhs - eq.rhs, axes) for _, eq in real]
    return tuple(
        Equation(label, pointwise(local), eq, terms)
        for (label, eq), (local, terms) in zip(real, residuals, strict=True)
    )


def _scalar_equations(item) -> list[sympy.Eq]:
    """One `Eq` for each component of an equation or expression."""
    if isinstance(item, (bool, BooleanAtom)):
        raise ProblemError(
            f"`spd.Problem(equations=...)` was given an equation that SymPy simplified to {item}, so no unknown is "
            "left "
            f"in it; write `Eq(left, right)` instead of `left == right`, check that both sides are finite and have "
            f"equally many components, or write their difference."
        )
    left, right = (item.lhs, item.rhs) if isinstance(item, sympy.Eq) else (item, sympy.S.Zero)
    if isinstance(left, (sympy.MatrixBase, sympy.MatrixExpr)):
        left = sympy.Matrix(left)
        right = sympy.Matrix(right) if hasattr(right, "shape") else sympy.ones(*left.shape) * right
        return [_written(a, b) for a, b in zip(left, right, strict=True)]
    return [_written(left, right)]


def _written(left, right) -> sympy.Eq:
    call = "spd.Problem(equations=...)"
    real = not allows_complex(left, right)
    plain = [masked(side) for side in (left, right)]
    sides = (folded(expression_of(side, call, fluxes=True, real=real)).xreplace(integrals) for side, integrals in plain)
    return sympy.Eq(*sides, evaluate=False)


def _quantities(quantities, axes) -> dict:
    call = "spd.Problem(quantities=...)"
    if not isinstance(quantities, Mapping) or not all(isinstance(name, str) and name for name in quantities):
        raise ProblemError(
            f"`{call.replace('...', shown(quantities))}` needs a name for each expression; write "
            f'`quantities={{"vorticity": spd.curl(v)}}`.'
        )
    read = {n: by_name(expression_of(e, call, real=not allows_complex(e)), axes) for n, e in quantities.items()}
    return real_quantities(read)


def _reference(reference, axes) -> dict:
    if not isinstance(reference, Mapping):
        raise ProblemError(
            f"`spd.Problem(reference={shown(reference)})` needs a solution for each unknown by itself; write "
            f"`reference={{u: exact}}`."
        )
    call = "spd.Problem(reference=...)"
    read = {
        by_name(u, axes): v
        if isinstance(v, Reference)
        else by_name(expression_of(v, call, real=not allows_complex(u)), axes)
        for u, v in reference.items()
    }
    return real_references(read)
