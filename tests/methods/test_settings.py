"""Settings of methods: what they accept, and in what type; what they refuse, and how they say so."""

import copy
import dataclasses
import pickle
import re

import numpy as np
import pytest

import spindle as spd
from spindle.methods.registry import METHODS, method_named
from spindle.methods.settings import (
    Features,
    Ladder,
    NotNegative,
    Positive,
    SettingKind,
    Weights,
    Whole,
    Words,
    declared,
)
from spindle.points.rules import fixed_nodes

x, y = spd.coordinates("x y")
u = spd.unknown("u", x, y)
PROBLEM = spd.Problem(spd.Box({x: (0, 1), y: (0, 1)}), [spd.laplacian(u) + 1], [spd.Dirichlet(u)])
DECLARED = {name: own for cls, _ in METHODS.values() for name, own in declared(cls).items()}


def of_kind(*kinds: type[SettingKind]) -> list[str]:
    return sorted(name for name, own in DECLARED.items() if isinstance(own.kind, kinds))


@pytest.mark.parametrize(
    ("key", "given", "taken"),
    [
        ("steps", np.int64(3), 3),
        ("steps", 1e3, 1000),
        ("points", np.int32(7), 7),
        ("points", [4, 5.0], (4, 5)),
        ("learning_rate", np.float32(0.5), 0.5),
        ("fourier", [np.int64(3), 1], (3, 1.0)),
        ("weights", {"equation": np.float64(2)}, {"equation": 2.0}),
        ("scale_inputs", np.bool_(False), False),
        ("frequency", 4, 4.0),
    ],
)
def test_numbers_of_any_library_become_plain_ones(key, given, taken):
    found = getattr(spd.PINN(**{key: given}).resolved(PROBLEM), key)
    assert found == taken
    assert type(found) is type(taken)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"scale_inputs": "no"}, r"`spd.PINN\(scale_inputs='no'\)` needs true or false"),
        ({"scale_inputs": 1}, "needs true or false"),
        ({"steps": 1.5}, r"steps=1.5\)` needs a whole number of at least 0"),
        ({"steps": True}, "needs a whole number"),
        ({"width": float("inf")}, "needs a whole number of at least 1"),
        ({"width": 10**400}, "needs a whole number of at most 10000000"),
        ({"points": (4, 10**9)}, "needs a whole number of at most 10000000"),
        ({"hidden_layers": 10**5}, "needs a whole number of at most 1000"),
        ({"points": [4, 1]}, r"points=\[4, 1\]\)` needs a whole number of at least 2"),
        ({"fourier": 3}, r"fourier=3\)` needs a whole number and a positive one, such as \(64, 2.0\)"),
        ({"fourier": (0, -1)}, "needs a whole number and a positive one"),
        ({"weights": 3}, r"weights=3\)` needs a number for each residual it names"),
        ({"weights": {"equation": "a"}}, "needs a number for each residual it names"),
        ({"learning_rate": "fast"}, "needs a positive number"),
        ({"learning_rate": float("nan")}, "needs a positive number"),
        ({"activation": {"tanh": 1}}, r"activation={'tanh': 1}\)` needs a word"),
        ({"sampling": 3}, "needs a word"),
        ({"schedule": "cosin"}, r"`spd.PINN\(schedule='cosin'\)` is not known. Did you mean `cosine`\?"),
        ({"network": ["mlp"]}, "is not known"),
    ],
)
def test_values_that_a_setting_cannot_have_are_refused(settings, text):
    with pytest.raises(spd.MethodError, match=text):
        spd.PINN(**settings).resolved(PROBLEM)


def test_a_setting_that_does_not_exist_suggests_the_nearest():
    with pytest.raises(
        spd.MethodError, match=r"`spd.SPINN\(widht=...\)`: there is no such setting. Did you mean `width`"
    ):
        spd.SPINN(widht=3)


def test_methods_are_copied_like_any_value():
    method = spd.SPINN(rank=3)
    assert copy.deepcopy(method) == method == pickle.loads(pickle.dumps(method))
    assert dataclasses.replace(method, rank=4).rank == 4


NUMERIC = of_kind(Whole, Positive, NotNegative, Features, Ladder, Weights)
MADE = {"fourier": lambda n: (n, 1.0), "causal": lambda n: (n,), "weights": lambda n: {"equation": n}}


@pytest.mark.parametrize("key", NUMERIC)
@pytest.mark.parametrize("number", [10**301, 10**400, 1e301, float("inf"), float("nan"), -1e301])
def test_every_numeric_setting_has_bounds(key, number):
    """All settings of all methods: whoever adds one without a bound is told here."""
    value = MADE.get(key, lambda n: n)(number)
    takers = [name for name, (cls, _) in METHODS.items() if key in {f.name for f in dataclasses.fields(cls)}]
    assert takers, key
    for name in takers:
        with pytest.raises(spd.MethodError) as refused:
            method_named(name, {key: value}).resolved(PROBLEM)
        assert len(str(refused.value)) < 300


def test_no_setting_is_left_unchecked():
    for cls, _ in METHODS.values():
        assert {f.name for f in dataclasses.fields(cls)} <= {*DECLARED, "recipe"}


@pytest.mark.parametrize("name", METHODS)
def test_recipes_hold_values_that_their_settings_can_have(name):
    cls, _ = METHODS[name]
    for recipe in cls.recipes.values():
        assert {key: declared(cls)[key].read(value, key) for key, value in recipe.items()} == dict(recipe)
    assert list(cls.recipes["paper"]) == list(cls.recipes["default"]), "records list both alike"


@pytest.mark.parametrize("name", METHODS)
def test_every_setting_is_explained_once_in_the_docstring(name):
    cls, _ = METHODS[name]
    listed = re.findall(r"^(\w+)   ", cls.__doc__, re.MULTILINE)
    assert sorted(listed) == sorted(declared(cls))
    assert max(map(len, cls.__doc__.splitlines())) <= 116
    assert cls.__doc__.count("Source:") == 1 + ("Source of" in cls.__doc__)


@pytest.mark.parametrize("settings", [{}, {"network": "mlp"}, {"recipe": "paper"}])
@pytest.mark.parametrize("method", [spd.SPINN, spd.PINN, spd.DTPINN])
def test_what_is_decided_is_a_method_that_decides_nothing_more(method, settings):
    decided, _ = method(**settings).decide(PROBLEM)
    assert type(decided) is method
    assert decided.decide(PROBLEM) == (decided, ())
    with pytest.raises(dataclasses.FrozenInstanceError):
        decided.width = 3


@pytest.mark.parametrize("value", [{}, [], {"a": 1}, "x" * 5000, 5, None, b"bytes"])
def test_words_of_other_types_are_refused_by_a_short_sentence(value):
    for key in (*of_kind(Words), "recipe"):
        for name, (cls, _) in METHODS.items():
            if key in {f.name for f in dataclasses.fields(cls)} and value is not None:
                with pytest.raises(spd.MethodError, match="is not known") as refused:
                    method_named(name, {key: value}).resolved(PROBLEM)
                assert len(str(refused.value)) < 300


def test_so_many_gauss_points_are_refused():
    with pytest.raises(spd.MethodError, match="1,000,000 points on one axis"):
        fixed_nodes("gauss", 0.0, 1.0, 10**6)
