"""`Problem`: its parts read off the mathematics, and what it refuses."""

import numpy as np
import pytest
import sympy
from sympy import Eq, Matrix, sin

import spindle as spd
from spindle.problem.consistency.checks import doubts

t, x, y, z = spd.coordinates("t x y z")
u, v = spd.unknown("u v", x, y)
SQUARE = spd.Box({x: (0, 1), y: (0, 1)})
nu = spd.parameter("nu", 0.5)


def problem(equations=None, conditions=(), reference=None, **options):
    equations = [Eq(spd.laplacian(u), 1)] if equations is None else equations
    return spd.Problem(domain=SQUARE, equations=equations, conditions=conditions, reference=reference or {}, **options)


@pytest.mark.parametrize(
    ("equations", "expected"),
    [
        (Eq(u.diff(x), v), {"equation": u.diff(x) - v}),
        ([u.diff(x) - v], {"equation": u.diff(x) - v}),
        ([Eq(v, 1), u], {"equation 1": v - 1, "equation 2": u}),
        (spd.grad(u), {"equation 1": u.diff(x), "equation 2": u.diff(y)}),
        ([Eq(spd.grad(u), Matrix([v, 0]))], {"equation 1": u.diff(x) - v, "equation 2": u.diff(y)}),
        ({"mass": u + v, "momentum": spd.grad(u)}, {"mass": u + v, "momentum 1": u.diff(x), "momentum 2": u.diff(y)}),
        ({"heat": Eq(u, x)}, {"heat": u - x}),
    ],
)
def test_equations_in_every_form_become_named_residuals(equations, expected):
    made = problem(equations)
    assert {e.name: e.residual for e in made.equations} == expected
    assert all(e.written.lhs - e.written.rhs == e.residual for e in made.equations)


def test_unknowns_and_parameters_are_read_off_and_sorted():
    beta = spd.parameter("beta", range=(1, 2))
    made = problem([Eq(v.diff(x), nu * u)], [spd.Dirichlet(u, beta * x)])
    assert made.unknowns == (u, v)
    assert made.parameters == (beta, nu)
    assert made.coordinates == (x, y)


def test_condition_names_become_unique():
    made = problem(
        {"wall": u},
        [
            [spd.Dirichlet(u, on="x=0"), spd.Dirichlet(u, on="x=1")],
            spd.Neumann(u, name="wall"),
            spd.Neumann(u, name="wall 2"),
        ],
    )
    assert [c.name for c in made.conditions] == ["dirichlet u", "dirichlet u 2", "wall 2", "wall 2 2"]
    assert list(made.pieces) == [c.name for c in made.conditions]


def test_one_condition_needs_no_list():
    assert [c.name for c in problem(conditions=spd.Dirichlet(u)).conditions] == ["dirichlet u"]


def test_only_the_gallery_says_where_a_problem_comes_from():
    made = problem(conditions=[spd.Dirichlet(u)])
    assert made.origin is None
    named = made.named("square", {"k": 2})
    assert named.origin == ("square", {"k": 2})
    assert named.without(["dirichlet u"]).origin is None


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ([], ["the problem has no condition"]),
        (
            [spd.Dirichlet(u), spd.Dirichlet(u, x, on="y=1")],
            ["`dirichlet u` and `dirichlet u 2` set different values on y=1"],
        ),
        ([spd.Dirichlet(u), spd.Dirichlet(u, 1)], ["set different values on x=0"]),
        ([spd.Dirichlet(u), spd.Dirichlet(u, x, on="x=0")], []),
        ([spd.Dirichlet(u, nu), spd.Neumann(u, 1), spd.Robin(u, 1, 2, 3)], ["all hold on x=0"]),
        ([spd.Neumann(u, 1, on="x=0"), spd.Neumann(u, 2, on="x=1")], ["across y=0, y=1", "fixed up to"]),
    ],
)
def test_doubtful_problems_are_remarked_upon_once(conditions, said):
    found = doubts(problem(conditions=conditions))
    assert len(found) == len(said)
    assert all(part in sentence for part, sentence in zip(said, found, strict=True))


def test_without_leaves_conditions_out():
    made = problem(conditions=[spd.Dirichlet(u, on="x=0"), spd.Neumann(u, on="x=1")])
    assert [c.name for c in made.without(["neumann u"]).conditions] == ["dirichlet u"]
    with pytest.raises(spd.ProblemError, match=r"no condition `neuman u` to leave out. Did you mean `neumann u`\?"):
        made.without(["neuman u"])


def test_at_chooses_a_member_of_a_family():
    beta = spd.parameter("beta", range=(1, 3))
    family = problem([beta * u.diff(x) - nu * u], [spd.Dirichlet(u, beta, on="x=0")], {u: beta * sin(x)})
    member = family.at(beta=2)
    assert {p.name: (p.value, p.bounds) for p in member.parameters} == {"beta": (2.0, None), "nu": (0.5, None)}
    values = {p: p.value for p in member.parameters}
    assert member.equations[0].residual.xreplace(values) == 2.0 * u.diff(x) - 0.5 * u
    assert member.conditions[0].value.xreplace(values) == 2.0
    assert member.reference[u].xreplace(values) == 2.0 * sin(x)
    assert family.parameters[0].bounds == (1.0, 3.0)
    with pytest.raises(spd.ProblemError, match=r"outside the declared range \(1, 3\)"):
        family.at(beta=4)
    with pytest.raises(spd.ProblemError, match=r"there is no such parameter\. Did you mean `beta`"):
        family.at(bta=2)


def test_plain_numbers_are_closed_forms():
    assert problem(reference={u: 0}).reference == {u: sympy.Integer(0)}


def tabulated(**lengths):
    axes = {name: np.linspace(0, 1, n) for name, n in lengths.items()}
    return spd.GridReference(axes, np.zeros(tuple(lengths.values())))


def test_tabulated_reference_is_kept():
    table = tabulated(x=3, y=4)
    assert problem(reference={u: table}).reference[u] is table


other = spd.unknown("u", x)
TWINS = [spd.parameter("nu", 1.0), spd.parameter("nu", 1.0, unknown=True)]
REFUSED = {
    "domain that is none": (
        lambda: spd.Problem(domain={x: (0, 1), y: (0, 1)}, equations=[u]),
        r"domain={x: \(0, 1\), y: \(0, 1\)}\)` is no domain; write `spd.Box\(",
    ),
    "no list of equations": (
        lambda: spd.Problem(domain=SQUARE, equations=None),
        "given None where .* a formula belongs",
    ),
    "equation in quotes": (lambda: problem("u_xx = 0"), "given the text 'u_xx = 0', and text is never evaluated"),
    "number for an equation": (lambda: problem(3, [spd.Dirichlet(u)]), "3 = 0, contains no unknown"),
    "inequality": (lambda: problem([u < 1]), "where a number or a formula belongs"),
    "infinite equation": (lambda: problem([Eq(spd.laplacian(u) * sympy.oo, 1)]), "contains oo.*which is not finite"),
    "complex equation": (lambda: problem([sympy.I * u.diff(x) + u]), "which is complex, and its unknowns are real"),
    "vectors of two lengths": (lambda: problem([Eq(spd.grad(u), Matrix([1, 2, 3]))]), "have equally many components"),
    "NaN on one side": (lambda: problem([Eq(u, sympy.nan)]), "check that both sides are finite"),
    "conditions None": (lambda: problem(None, None), "given None, which is no condition"),
    "reference without its unknown": (lambda: problem(reference=x), r"needs a solution for each unknown by itself"),
    "reference in code": (lambda: problem(reference={u: lambda x: x}), r"bring in code by `spd.given\("),
    "reference in quotes": (lambda: problem(reference={u: "a b"}), "given the text 'a b'"),
    "no equation": (lambda: problem([]), "has no equation"),
    "no unknown": (
        lambda: problem([x + y]),
        r"contains no unknown field; declare one with `u = spd.unknown\(\"u\", x, y\)`",
    ),
    "equation without unknown": (lambda: problem([x + y], [spd.Dirichlet(u)]), "x \\+ y = 0, contains no unknown"),
    "decided equation": (lambda: problem([Eq(x, x)]), "simplified to True, so no unknown is left"),
    "== for Eq": (lambda: problem([spd.laplacian(u) == 0]), r"write `Eq\(left, right\)` instead of `left == right`"),
    "vector = number": (lambda: problem([Eq(spd.grad(u), 0)]), "simplified to False"),
    "unknown coordinate": (
        lambda: problem([u.diff(x) - spd.coordinates("xx")]),
        r"equation `equation` contains `xx`, which is neither a coordinate.*nor a parameter.*Did you mean `x`\?",
    ),
    "unknown coordinate in a condition": (
        lambda: problem(None, [spd.Dirichlet(u, z)]),
        "condition `dirichlet u` contains `z`",
    ),
    "a symbol that is no coordinate": (lambda: problem([u - sympy.Symbol("w")]), "contains `w`, which is neither"),
    "wrong arguments": (
        lambda: problem([other.diff(x)]),
        r"The unknown `u\(x\)` depends on \(x,\), but the domain has",
    ),
    "extra arguments": (lambda: problem([spd.unknown("u", x, y, z)]), r"`u\(x, y, z\)` depends on"),
    "two forms of one unknown": (lambda: problem([u + spd.unknown("u", y, x)]), "`u` occurs with different arguments"),
    "restricted unknown": (lambda: problem([u.diff(x) + u.subs(x, 0)]), "`u` occurs with different arguments"),
    "two parameters of one name": (lambda: problem([u * TWINS[0] + TWINS[1]]), "two different parameters named `nu`"),
    "two equations of one name": (lambda: problem({"a 1": u, "a": spd.grad(u)}), "two equations named `a 1`"),
    "no condition": (lambda: problem(None, ["u = 0"]), "'u = 0', which is no condition; use `spd.Dirichlet`"),
    "empty part": (lambda: problem(None, [spd.Dirichlet(u, on=Eq(x, 3))]), "hold at no point"),
    "reference of another field": (lambda: problem(reference={v: x}), "solution for v, which is no unknown"),
    "reference by name": (
        lambda: problem(reference={"u": x}),
        "solution for 'u', which is no unknown of the problem but its name in quotes",
    ),
    "reference with a stray symbol": (lambda: problem(reference={u: z}), r"reference of `u` contains \[z\]"),
    "table with other axes": (
        lambda: problem(reference={u: tabulated(y=3, x=4)}),
        r"axes \['y', 'x'\].*it needs \['x', 'y'\]",
    ),
    "table with an axis less": (lambda: problem(reference={u: tabulated(x=3)}), r"axes \['x'\]"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_problem_explains_what_does_not_fit(name):
    call, text = REFUSED[name]
    with pytest.raises(spd.ProblemError, match=f"(?s){text}"):
        call()
