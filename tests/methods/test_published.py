"""Settings of publications: problems name them, methods know them, run directories hold them in full."""

import itertools
from dataclasses import replace

import pytest

import spindle as spd
from spindle.gallery.registry import gallery
from spindle.methods.published import PUBLISHED, published
from spindle.methods.registry import METHODS
from spindle.methods.settings import declared
from spindle.results.directory import RunDirectory
from spindle.storage.lock import Lock

x, y = spd.coordinates("x y")
u = spd.unknown("u", x, y)
SMALL = {"points": 8, "width": 6, "rank": 3, "steps": 5}


def posed(**more):
    return spd.Problem(spd.Box({x: (0, 1), y: (0, 1)}), [spd.laplacian(u) + 1], [spd.Dirichlet(u)], **more)


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_is_published_are_settings_of_methods(name):
    methods = {method: settings for method, settings in PUBLISHED[name].items() if method != "omit"}
    for method, settings in methods.items():
        known = declared(METHODS[method][0])
        of_all = {key: value for key, value in settings.items() if key != "cases"}
        for listed in (of_all, *itertools.chain(*settings.get("cases", ()))):
            assert {key: known[key].read(value, key) for key, value in listed.items()} == listed


def test_a_problem_that_is_called_alike_gets_nothing():
    for name in PUBLISHED:
        assert published(posed(name=name)) == {}
    assert spd.SPINN(recipe="paper").resolved(posed(name="poisson_lshape")).points == 64
    assert spd.SPINN(recipe="paper").resolved(replace(gallery("poisson_lshape"), name="mine")).points == 256


def test_names_that_nothing_is_published_under_are_refused():
    with pytest.raises(spd.MethodError, match=r"the publication `poisson_disc`.* Did you mean `poisson_disk`"):
        spd.SPINN(recipe="paper").resolved(posed(published="poisson_disc"))
    with pytest.raises(spd.ProblemError, match=r"`spd.Problem\(published=5\)` is no name of published settings"):
        posed(published=5)


def test_settings_in_a_problem_are_taken_with_a_warning():
    with pytest.warns(DeprecationWarning, match="a problem knows no methods") as warned:
        problem = posed(published={"spinn": {"points": 11}})
    assert warned[0].filename == __file__
    assert spd.SPINN(recipe="paper").resolved(replace(problem, name="mine")).points == 11
    assert spd.SPINN().resolved(problem).points == "auto"


def test_a_run_goes_on_by_the_settings_that_lie_beside_it(tmp_path, monkeypatch):
    problem, method = gallery("klein_gordon3d"), spd.SPINN(recipe="paper", **SMALL)
    directory = RunDirectory.at(tmp_path / "run")
    with Lock(directory.path) as lock:
        lock.acquire()
        info = directory.prepare(problem, method.plan(problem), 0)
    monkeypatch.setitem(PUBLISHED, "klein_gordon3d", {})
    stored, same, seed = directory.read()
    assert stored.published == {"omit": ["initial u_t"]}
    plan = same.plan(stored)
    assert "left out as in the publication: initial u_t" in plan.choices
    assert directory.prepare(stored, plan, seed)["fingerprint"] == info["fingerprint"]
