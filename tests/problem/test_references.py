"""Kinds of references answer alike: a formula, a table, the tables of some members of a family."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from sympy import sin

import spindle
import spindle as spd
from spindle.problem.closed import ClosedForm, reference_of
from spindle.problem.references import OnDemand, Reference
from spindle.problem.serialize import encode

t, x = spd.coordinates("t x")
k, fixed = spd.parameter("k", range=(1, 2)), spd.parameter("k", 1.5)
AXES = {"t": np.linspace(0, 1, 5), "x": np.array([0.0, 1.0])}
VALUES = np.arange(10.0).reshape(5, 2)
FORMULA = ClosedForm(sin(k * x) + t)
TABLE = spd.GridReference(AXES, VALUES, 1e-3, "A solver.")
LATER = OnDemand(AXES, lambda: (VALUES, 1e-3), "A solver.")
FAMILY = spd.FamilyReference([{"k": 1.0}, {"k": 1.5}], [TABLE, LATER])
KINDS = {"formula": FORMULA, "table": TABLE, "on demand": LATER, "family": FAMILY}


@pytest.mark.parametrize(("name", "words"), [("formula", "closed form"), ("family", "2 members; A solver; its own")])
def test_they_say_where_they_come_from(name, words):
    assert KINDS[name].described("{:g}".format).startswith(words)


@pytest.mark.parametrize("table", [TABLE, LATER], ids=["table", "on demand"])
def test_a_table_is_known_on_its_grid(table):
    nodes, values, has_gaps = table.compared(())
    assert [len(n) for n in nodes] == [5, 2]
    assert has_gaps
    assert values is VALUES
    assert table.table is table
    assert table.described("{:g}".format) == "A solver; its own relative error about 0.001"
    assert table.during("t", 0.5, 1.0).values.tolist() == VALUES[2:].tolist()
    assert table.during("t", 0.6, 0.7) is None
    assert table.of_member({"k": 9.0}, {}) is table


def test_a_formula_is_known_everywhere():
    assert FORMULA.compared(["k"]) is None
    assert FORMULA.of_member({"k": 1.5}, {k: fixed}) == ClosedForm(sin(fixed * x) + t)
    assert FORMULA.during("t", 0, 0.5) is FORMULA
    assert FORMULA.stored(lambda array: "", encode) == {"expression": encode(FORMULA.closed)}
    assert reference_of(FORMULA.closed) == FORMULA


def test_a_family_is_known_at_its_members():
    nodes, values, has_gaps = FAMILY.compared(["k"])
    assert nodes.shape == (20, 3)
    assert nodes[:, 2].tolist() == [1.0] * 10 + [1.5] * 10
    np.testing.assert_array_equal(values, np.tile(VALUES.ravel(), 2))
    assert not has_gaps
    assert FAMILY.of_member({"k": 1.5}, {}) is LATER
    assert FAMILY.of_member({"k": 1.2}, {}) is None
    assert [m["k"] for m in FAMILY.members] == [1.0, 1.5]


@pytest.mark.parametrize("name", KINDS)
def test_they_are_written_as_they_were_given(name):
    reference = KINDS[name]
    assert reference_of(reference.written) == reference
    kinds = [reference.closed is not None, reference.table is not None, bool(reference.members)]
    assert sum(kinds) == 1
    ((kind, _),) = reference.stored(lambda array: "0", encode).items()
    assert kind == ("expression", "tabulated", "members")[kinds.index(True)]


def test_nobody_asks_for_the_kind_of_a_reference():
    """Arguments of `spd.Problem` are asked whether they are references at all, and nothing more."""
    kinds = {kind.__name__ for kind in (*Reference.__subclasses__(), spd.GridReference, OnDemand)}
    for path in Path(spindle.__file__).parent.rglob("*.py"):
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        asked = [ast.unparse(call) for call in calls if ast.unparse(call.func) == "isinstance"]
        asked = [question for question in asked if kinds & set(re.findall(r"\w+", question))]
        assert not asked, f"{path.name} asks {asked}; let references answer"
