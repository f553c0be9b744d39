"""Which members a family is trained on: every combination of values, and what is refused."""

import numpy as np
import pytest

import spindle as spd
from spindle.gallery.registry import gallery
from spindle.methods.tasks import trained_members
from spindle.problem.families import with_parameter_axes
from tests.families import SMALL, convection

FAMILY = with_parameter_axes(gallery("convection_diffusion_reaction"))


def read(tasks):
    return spd.LRPINN(tasks=tasks).resolved(FAMILY).tasks


def test_every_combination_of_the_values():
    rows = trained_members(FAMILY, read({"beta": [1, 5], "nu": 3, "rho": (0,)}), "call")
    assert sorted(map(tuple, rows)) == [(b, n, 0) for b in (1, 5) for n in (0, 1, 2)]
    assert len(trained_members(FAMILY, 4, "call")) == 64 and trained_members(FAMILY, 0, "call") is None


def test_auto_is_as_many_as_published():
    one = trained_members(with_parameter_axes(convection()), "auto", "call")
    np.testing.assert_allclose(one[:, 0], np.linspace(1, 2, 20))
    assert len(trained_members(FAMILY, "auto", "call")) == 27


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        ({"beta": 3, "nu": 2}, r"says nothing of rho, .* add `'rho': 3`"),
        ({"beta": 3, "nu": 2, "roh": 1}, "names no parameter, 'roh'. Did you mean `rho`"),
        (101, "makes 1,030,301 members"),
    ],
)
def test_members_that_cannot_be_trained_on_are_refused(tasks, words):
    with pytest.raises(spd.MethodError, match=words):
        trained_members(FAMILY, read(tasks), "spd.LRPINN")


@pytest.mark.parametrize("tasks", [{"beta": ()}, {"beta": ("a",)}, {"beta": (np.inf,)}, {"beta": 0}, -1, 1.5, 10**400])
def test_values_that_are_none_are_refused(tasks):
    with pytest.raises(spd.MethodError, match="needs"):
        read(tasks)


def test_settings_that_exclude_each_other_are_refused():
    for settings, words in (
        ({"lattice": (5, 6)}, "has no members to lie on"),
        ({"members": 7}, "too few to see how coefficients vary"),
    ):
        with pytest.raises(spd.MethodError, match=words):
            spd.LRPINN(**SMALL | settings).decide(FAMILY)


@pytest.mark.parametrize(
    ("name", "axes"), [("lattice", "t, x"), ("query_points", "t, x"), ("snapshot_points", "t, x"), ("members", "beta")]
)
def test_grids_of_other_axes_are_refused_before_training(name, axes):
    settings = SMALL | {"tasks": 2, name: (9, 9, 9)}
    with pytest.raises(spd.MethodError, match=rf"`spd.FastLRNR\({name}=.*needs one for each of {axes}, in this order"):
        spd.FastLRNR(**settings).decide(with_parameter_axes(convection()))
