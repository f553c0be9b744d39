"""Run directories whose description somebody changed and signed again: each is read, or refused by one sentence."""

import contextlib
import json
import shutil
import time

import numpy as np
import pytest
import sympy

import spindle as spd
from spindle.cli import outcome
from spindle.errors import RunError, SpindleError
from spindle.problem.printing import describe
from spindle.problem.serialize import decode
from spindle.report.html import verdict
from spindle.results.directory import RunDirectory, _fingerprint
from spindle.results.run_record import RUN, RunRecord
from spindle.storage.arrays import load_arrays, save_arrays
from spindle.storage.records import fits
from tests.solutions import untrained

x, y = spd.coordinates("x y")
u = spd.unknown("u", x, y)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run as if of two steps."""
    problem = spd.Problem(spd.Box({x: (0, 1), y: (0, 1)}), [spd.laplacian(u) + 1], [spd.Dirichlet(u)], title="A plate")
    method = spd.SPINN(points=5, width=6, rank=2, newton_steps=2, refine=0)
    run = RunRecord(iterations=2, stopped_by="steps", loss=0.5, residuals={"equation": 0.25})
    return untrained(problem, run, method).save(tmp_path_factory.mktemp("runs") / "first")


def told(path):
    """Read a run as `report` and `resume` begin to, and say all that is said of it."""
    solution = spd.load(path)
    solution.record()
    verdict(solution)
    describe(solution.problem)
    outcome.print_summary(solution, RunDirectory.at(path))
    return solution


def signed(path, problem=None, info=None, result=None):
    """Change what the files say, and let them fit each other again."""
    arrays, data = load_arrays(path / "problem.npz")
    described, (numbers, meta) = json.loads((path / "run.json").read_text()), load_arrays(path / "solution.npz")
    for change, what in ((problem, data), (info, described), (result, meta)):
        if change is not None:
            change(what)
    with contextlib.suppress(KeyError):
        posed = {name: described[name] for name in ("format", "problem", "method", "seed")}
        described["fingerprint"] = meta["mark"] = _fingerprint(data, arrays, posed)
    save_arrays(path / "problem.npz", arrays, data)
    (path / "run.json").write_text(json.dumps(described))
    save_arrays(path / "solution.npz", numbers, meta)


def refused(path):
    began = time.process_time()
    with pytest.raises(SpindleError) as caught:
        told(path)
    assert time.process_time() - began < 3
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_unchanged_run_is_read(finished, tmp_path):
    signed(shutil.copytree(finished, tmp_path / "run"))
    assert told(tmp_path / "run").problem.title == "A plate"


X = ["symbol", "x", True]
TOWER = ["Pow", ["integer", "9"], ["Pow", ["integer", "9"], ["integer", "99"]]]
DEEP = X
for _ in range(3000):
    DEEP = ["sin", DEEP]
EXPRESSIONS = {
    "tower": TOWER,
    "tower in a product": ["Mul", TOWER, X],
    "large power": ["Pow", ["integer", "2"], ["integer", "100000000000"]],
    "power of a power": ["Pow", ["Pow", X, ["integer", "99"]], ["integer", "10001"]],
    "floor": ["floor", ["exp", ["exp", ["integer", "50"]]]],
    "ceiling": ["ceiling", ["Pow", ["integer", "10"], ["integer", "39"]]],
    "sine of a large number": ["sin", ["float", hex(10**40), "0x1", 53]],
    "exp": ["exp", ["integer", "1000"]],
    "order": ["Derivative", ["function", "u", X], ["Tuple", X, ["integer", "1000000"]]],
    "negative order": ["Derivative", ["function", "u", X], ["Tuple", X, ["integer", "-1"]]],
    "deep": DEEP,
    "wide": ["Add", *[["sin", ["Mul", X, ["integer", str(k)]]] for k in range(20_000)]],
    "maxima": ["Max", *[["sin", ["Mul", X, ["integer", str(k)]]] for k in range(500)]],
    "digits": ["integer", "9" * 10_000],
    "huge float": ["float", "0x1" + "0" * 5000, "0x1", 53],
    "division by zero": ["Pow", ["integer", "0"], ["integer", "-1"]],
    "terminal": ["symbol", "\x1b[2J", True],
    "direction": ["function", "\u202eu", X],
    "long name": ["symbol", "x" * 10_000, True],
    "unknown head": ["__import__", X],
    "no list": 5,
    "empty": [],
    "head of a list": [["Add"], X],
}


@pytest.mark.parametrize("kind", EXPRESSIONS)
def test_expressions_from_storage_pass_the_limits_of_formulas(kind):
    began = time.process_time()
    with pytest.raises(RunError, match=r"is damaged|unknown head"):
        decode(EXPRESSIONS[kind])
    assert time.process_time() - began < 3


def test_what_a_program_builds_may_be_longer_than_what_one_writes():
    e = sum(sympy.sin(k * x) * sympy.cos(k * y) for k in range(1, 200))
    assert decode(spd.problem.serialize.encode(e)) == e


@pytest.mark.parametrize("name", ["tower", "floor", "order", "terminal"])
def test_a_problem_with_such_an_expression_is_refused(finished, tmp_path, name):
    path = shutil.copytree(finished, tmp_path / "run")
    signed(path, problem=lambda data: data["equations"][0].__setitem__(2, EXPRESSIONS[name]))
    assert "The stored expression" in refused(path)


WRONG = [5, "words", None, True, [], {}, [["a"]], {"a": {"b": []}}, -1, 10**30, float("nan"), "\x1b[2J"]


def swapped(name, value):
    return lambda table: table.__setitem__(name, value)


@pytest.mark.parametrize("value", WRONG, ids=repr)
@pytest.mark.parametrize("part", ["problem", "info", "result"])
def test_values_of_other_types_are_a_sentence_or_harmless(finished, tmp_path, part, value):
    names = {
        "problem": ["title", "name", "notes", "published", "domain", "conditions", "reference", "origin"],
        "info": ["format", "seed", "method", "choices", "problem", "fingerprint"],
        "result": ["run", "seconds", "history", "mark"],
    }
    for number, name in enumerate(names[part]):
        path = shutil.copytree(finished, tmp_path / str(number))
        signed(path, **{part: swapped(name, value)})
        try:
            told(path)
        except SpindleError as error:
            assert "\n" not in str(error), name


@pytest.mark.parametrize("name", RUN)
def test_numbers_of_a_run_have_their_types(finished, tmp_path, name, capsys):
    for number, value in enumerate(WRONG):
        path = shutil.copytree(finished, tmp_path / str(number))
        signed(path, result=lambda meta, value=value: meta["run"].__setitem__(name, value))
        try:
            told(path)
        except RunError as error:
            assert f"`{name}` is of another type than expected" in str(error)
        else:
            assert value == {} or fits(value, RUN[name]), value


SETTINGS = {"rank": 10**7, "width": [10**9] * 2, "points": 10**12, "newton_steps": 10**20, "windows": 10**9, "x": 1}
GROWN = [
    [{"phase": 10**9, "decision": 3, "what": "words"}],
    [{"phase": 0, "decision": {}, "what": "words"}],
    [{"phase": 0, "decision": 10**12, "what": "words"}],
    [{"phase": 0, "decision": [10**6, 10**6], "what": "words"}],
    [{"phase": 0, "decision": {"afresh": False, "widths": [10**9, 10**9]}, "what": "words"}],
]


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_a_run_have_their_bounds(finished, tmp_path, name):
    path = shutil.copytree(finished, tmp_path / "run")
    signed(path, info=lambda info: info["method"]["settings"].update({name: SETTINGS[name]}))
    assert "is none of this version of spindle" in refused(path)


@pytest.mark.parametrize("grown", GROWN, ids=str)
def test_what_enlarged_a_model_has_its_bounds(finished, tmp_path, grown):
    path = shutil.copytree(finished, tmp_path / "run")
    signed(path, result=lambda meta: meta["run"].update(grown=grown))
    assert "solution" in refused(path)


def test_a_model_is_not_built_where_it_cannot_fit(finished, tmp_path):
    path = shutil.copytree(finished, tmp_path / "run")
    signed(path, info=lambda info: info["method"]["settings"].update(width=[10**5] * 2, rank=5000))
    assert "does not fit" in refused(path) or "far fewer numbers" in refused(path)


@pytest.mark.parametrize("change", [lambda a: a * np.nan, lambda a: a[:1], lambda a: a.astype("S8"), lambda a: a * 1j])
def test_other_numbers_are_a_sentence_or_not_a_number(finished, tmp_path, change):
    path = shutil.copytree(finished, tmp_path / "run")
    arrays, meta = load_arrays(path / "solution.npz")
    save_arrays(path / "solution.npz", {name: change(a) for name, a in arrays.items()}, meta)
    with contextlib.suppress(RunError):
        assert not np.isfinite(told(path)(x=0.5, y=0.5))


def test_a_stored_mesh_names_no_file():
    coordinates = [["symbol", c, True] for c in "xyz"]
    data = {"shape": "Mesh", "arguments": [[{"expression": c} for c in coordinates], "/etc/passwd", "surface"]}
    with pytest.raises(spd.ProblemError, match="names a file, which is not read"):
        spd.geometry.shapes.shape_from_data(data, decode)
