"""Settings of methods: what they accept, and in what type; what they refuse, and how they say so."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest

import spindle as sp

x, y = sp.coordinates("x y")
u = sp.unknown("u", x, y)
PROBLEM = sp.Problem(sp.Box({x: (0, 1), y: (0, 1)}), [sp.laplacian(u) + 1], [sp.Dirichlet(u)])


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
    found = sp.PINN(**{key: given}).resolved(PROBLEM)[key]
    assert found == taken
    assert type(found) is type(taken)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"scale_inputs": "no"}, r"`sp.PINN\(scale_inputs='no'\)` needs true or false"),
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
        ({"schedule": "cosin"}, r"`sp.PINN\(schedule='cosin'\)` is not known. Did you mean `cosine`\?"),
        ({"network": ["mlp"]}, "is not known"),
    ],
)
def test_values_that_a_setting_cannot_have_are_refused(settings, text):
    with pytest.raises(sp.MethodError, match=text):
        sp.PINN(**settings).resolved(PROBLEM)


def test_a_setting_that_does_not_exist_suggests_the_nearest():
    with pytest.raises(
        sp.MethodError, match=r"`sp.SPINN\(widht=...\)`: there is no such setting. Did you mean `width`"
    ):
        sp.SPINN(widht=3)


def test_methods_are_copied_like_any_value():
    method = sp.SPINN(rank=3)
    assert copy.deepcopy(method) == method == pickle.loads(pickle.dumps(method))
    assert dataclasses.replace(method, rank=4).rank == 4
