"""A kind of condition is one file: a value at a single point, which no room of spindle has ever heard of, is solved."""

import ast
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import sympy
from sympy import Eq

import spindle
import spindle as spd
from spindle.cli.check import check
from spindle.geometry.supports import PointSet
from spindle.problem.conditions.base import Condition, Piece, Role
from spindle.problem.serialize import problem_from_data, problem_to_data
from spindle.solving.estimates.error_estimate import estimate

t, x, y = spd.coordinates("t x y")
u, w = spd.unknown("u", x, y), spd.unknown("w", t, x)
EXACT = x + 2 * y + sympy.Rational(3, 2)


@dataclass(frozen=True, eq=False, repr=False)
class AtOnePoint(Condition):
    """`expression = value` at a point (d,)."""

    expression: sympy.Expr
    point: np.ndarray
    value: float

    def pieces(self, domain):
        """The point."""
        return (Piece(((PointSet(self.point[None], np.array([self.value])), self.expression),)),)

    def texts(self, printer):
        """`u = 1 at [0.5 0.5]`."""
        return [f"{printer(Eq(self.expression, self.value, evaluate=False))} at {self.point}"]

    @property
    def role(self):
        """A residual and nothing else."""
        return Role()

    def data(self, size, length):
        """The size of the value."""
        return self.expression, abs(self.value)

    def homogeneous(self):
        """The value zero."""
        return replace(self, value=0.0)

    def shifted(self, near):
        """What is left of the value."""
        (known,) = near.values(self.point[None], self.expression)
        return replace(self, expression=self.expression.xreplace(near.errors), value=self.value - float(known))

    def in_window(self, moved):
        """It is refused before."""
        return self


def plane():
    """u_x = 1, u_y = 2: a plane, fixed by its value at one point alone."""
    return spd.Problem(
        domain=spd.Box({x: (0, 1), y: (0, 1)}),
        equations=[Eq(u.diff(x), 1), Eq(u.diff(y), 2)],
        conditions=[AtOnePoint("pinned", u, np.array([0.5, 0.25]), 2.5)],
        reference={u: EXACT},
    )


def test_it_is_solved_exactly_and_its_error_estimated():
    solution = spd.solve(plane(), spd.SPINN(width=6, newton_steps=3, refine=0), progress=False)
    assert solution.error() < 1e-8
    assert {"pinned"} < set(solution.run.residuals) & set(solution.run.shares)
    assert estimate(solution)["errors"]["u"] < 1e-6


def test_it_is_trained_point_by_point():
    solution = spd.solve(
        plane(), spd.PINN(steps=5, lbfgs_steps=60, width=8, hidden_layers=1, points=9, balance=0), progress=False
    )
    assert solution.error() < 0.1
    assert solution.run.residuals["pinned"] < 0.1


def test_it_is_printed_checked_and_stored():
    problem = plane()
    assert "u = 2.5 at [0.5  0.25]" in str(problem)
    assert problem.doubted == ()
    assert check(problem, [])["conditions"]["pinned"]["where"] == ["1 point"]
    data, arrays = problem_to_data(problem)
    (back,) = problem_from_data(json.loads(json.dumps(data)), arrays).conditions
    assert isinstance(back, AtOnePoint)
    assert (back.name, back.expression, back.value) == ("pinned", u, 2.5)
    np.testing.assert_array_equal(back.point, [0.5, 0.25])


def test_nobody_asks_for_the_kind_of_a_condition():
    """Else a new kind would be forgotten there."""
    kinds = {kind.__name__ for kind in Condition.kinds.values()}
    assert {"OnBoundary", "AtStart", "AcrossAxis", "AtPoints"} <= kinds
    for path in Path(spindle.__file__).parent.rglob("*.py"):
        asked = [ast.unparse(node) for node in ast.walk(ast.parse(path.read_text())) if is_question(node)]
        asked = [question for question in asked if kinds & set(re.findall(r"\w+", question))]
        assert not asked, f"{path.name} asks {asked}; let conditions answer, in `Role` or by a method"


def test_kinds_are_stored_under_names_that_never_change():
    """Files of years ago hold these; a class may be renamed, its name in files may not."""
    ours = {name for name, kind in Condition.kinds.items() if kind.__module__.startswith("spindle.")}
    exact = {
        "OnBoundary",
        "AtStart",
        "AtPoints",
        "AcrossAxis",
        "AcrossPlace",
        "PartOfCondition",
        "AtPlaces",
        "Averaged",
    }
    assert ours == exact
    for path in (Path(spindle.__file__).parent / "problem" / "conditions").glob("*.py"):
        classes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
        kinds = [node for node in classes if "Condition" in map(ast.unparse, node.bases)]
        assert all("stored_as" in [k.arg for k in node.keywords] for node in kinds), path.name


def test_two_kinds_of_one_name_are_stored_apart():
    def define(module, **options):
        body = {"__module__": module, "__qualname__": "AtOnePoint"}
        return type(Condition)("AtOnePoint", (AtOnePoint,), body, **options)

    with pytest.raises(spd.ProblemError) as refused:
        define("elsewhere")
    assert str(refused.value) == (
        "`class AtOnePoint(Condition)` would be stored as `AtOnePoint`, as conditions of "
        "`tests.contract.test_new_condition.AtOnePoint` are, and a file could not tell them apart; give it a name of "
        'its own, `class AtOnePoint(Condition, stored_as="elsewhere.AtOnePoint")`.'
    )
    other = define("elsewhere", stored_as="elsewhere.AtOnePoint")
    assert define("elsewhere", stored_as="elsewhere.AtOnePoint") is not other, "the same one may be defined again"
    problem = plane()
    twice = replace(problem, conditions=[*problem.conditions, other("other", u, np.array([0.0, 0.0]), 1.5)])
    data, arrays = problem_to_data(twice)
    one, two = problem_from_data(json.loads(json.dumps(data)), arrays).conditions
    assert type(one) is AtOnePoint and type(two) is Condition.kinds["elsewhere.AtOnePoint"]
    del Condition.kinds["elsewhere.AtOnePoint"]
    with pytest.raises(spd.RunError, match=r"condition of the kind 'elsewhere.AtOnePoint', which no class that was"):
        problem_from_data(json.loads(json.dumps(data)), arrays)


def is_question(node) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass")


def test_where_it_cannot_be_posed_it_is_refused():
    heat = spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1)}),
        equations=[Eq(w.diff(t), spd.parameter("k", range=(1, 2)) * w.diff(x, 2))],
        conditions=[
            spd.Initial(w, 1),
            spd.Dirichlet(w, on=Eq(x, 0)),
            AtOnePoint("pinned", w, np.array([0.5, 1.0]), 0.5),
        ],
    )
    with pytest.raises(spd.ProblemError, match="`pinned`, but what is measured belongs to one member"):
        spd.solve(heat, spd.SPINN(), progress=False)
    with pytest.raises(spd.ProblemError, match="pinned speaks of all times at once"):
        spd.solve(heat.at(k=1), spd.SPINN(windows=2), progress=False)
