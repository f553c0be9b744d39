"""`spd.gallery`: every problem under its name, as a function of its options."""

import pytest

import spindle as spd
from spindle.gallery.registry import GALLERY, gallery


def test_the_gallery_holds_its_problems_and_nothing_else():
    assert dir(spd.gallery) == sorted(GALLERY)
    assert spd.gallery.poisson_nd.__doc__.startswith("-Lap u = f in [0, 1]^d")


def test_a_problem_is_posed_by_its_name_with_its_options():
    problem = spd.gallery.burgers(nu=0.1)
    assert problem.origin == gallery("burgers", nu=0.1).origin == ("burgers", {"nu": 0.1})
    assert spd.gallery.burgers(0.1).origin == problem.origin
    with pytest.raises(spd.ProblemError, match="has no option `mu`"):
        spd.gallery.burgers(mu=0.1)
    for given, named in ([1, 2], {}), ([1], {"nu": 2}):
        with pytest.raises(spd.ProblemError, match=r"each once.*write `spd.gallery.burgers\(nu=...\)`"):
            spd.gallery.burgers(*given, **named)


def test_what_is_offered_is_what_is_seen():
    """Rooms are no part of the interface: they can be imported, and `dir` does not list them."""
    assert set(dir(spd)) == {*spd.__all__, "__version__"}
    assert spd.__version__[0].isdigit()
