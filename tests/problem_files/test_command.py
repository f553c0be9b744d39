"""Problem files on the command line: `solve`, `resume`, `report` and `check`."""

import html
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
import xarray

import spindle as spd
from spindle.cli.check import check

FOLDER = Path(__file__).parents[2] / "examples"
TINY = ["--method", "pinn", "--set", "steps=20", "--set", "lbfgs_steps=0", "--set", "width=4", "--set", "points=6"]
TINY += ["--set", "hidden_layers=1"]
# `layers.toml` of the examples, on a line.
LAYERS = """
unknowns = "u"
coordinates = { x = [0, 2] }
tabulated = { kappa = { data = "layers.nc", variable = "conductivity" } }
equations = ["-div(kappa*grad(u)) = 1"]
conditions = [{ dirichlet = "u = 0" }]
"""


def test_a_file_is_solved_interrupted_resumed_and_reported(spindle, tmp_path, monkeypatch):
    (tmp_path / "layers.toml").write_text(LAYERS)
    conductivity = xarray.DataArray([1.0, 2.0, 3.0], {"x": [0.0, 1.0, 2.0]})
    xarray.Dataset({"conductivity": conductivity}).to_netcdf(tmp_path / "layers.nc")
    monkeypatch.chdir(tmp_path)
    command = ["solve", "layers.toml", *TINY]
    assert spindle(*command, "--json", "--budget", "0.001").returncode == 0
    (run,) = (tmp_path / "runs").glob("layers-pinn-0-*")
    (tmp_path / "layers.nc").unlink()  # what the run needs, it holds
    done = spindle("resume", str(run), "--json")
    assert json.loads(done.stdout)["iterations"] == 20
    assert (run / "problem.toml").read_text() == LAYERS
    loaded = spd.load(run)
    assert loaded.problem.origin == ("layers.toml", {})
    spindle("report", str(run))
    page = html.unescape((run / "report.html").read_text())
    (found,) = re.findall(r"spindle solve [^<]*", page)
    assert shlex.split(found)[:5] == ["spindle", "solve", "layers.toml", "--method", "pinn"]


@pytest.mark.slow
def test_a_refused_file_does_not_replace_the_text_of_the_run(spindle, tmp_path, monkeypatch):
    shutil.copy(FOLDER / "heat.toml", tmp_path)
    monkeypatch.chdir(tmp_path)
    command = ["solve", "heat.toml", *TINY, "--out", "run", "--json"]
    assert spindle(*command).returncode == 0
    before = (tmp_path / "heat.toml").read_text()
    (tmp_path / "heat.toml").write_text(before.replace("k = 0.5", "k = 0.25"))
    done = spindle(*command)
    assert done.returncode == 2
    assert "holds another run" in done.stderr
    assert (tmp_path / "run" / "problem.toml").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.toml"], "There is no problem file none.toml; check the path."),
        (["bad.toml"], "bad.toml, line 3, column 15: `lapalcian`|there is no function `lapalcian`. Did you mean"),
        (["heat.toml", "--set", "nu=2"], "Options of heat_bar: k=0.5."),
        (["heat.toml", "--set", "k=many"], "heat.toml, line 13, column 5: .* is not a finite number"),
        (["heat.toml", "--method", "dtpinn"], "use `--method spinn` or `--method pinn`"),
    ],
)
def test_bad_files_are_one_sentence_and_status_2(spindle, tmp_path, monkeypatch, arguments, sentence):
    shutil.copy(FOLDER / "heat.toml", tmp_path)
    text = 'unknowns = "u"\ncoordinates = { x = [0, 1] }\nequations = ["lapalcian(u) = 1"]'
    (tmp_path / "bad.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    done = spindle("solve", *arguments)
    said = " ".join(done.stderr.split())
    assert done.returncode == 2
    assert sentence in said or re.search(sentence, said)
    assert "Traceback" not in said
    assert not (tmp_path / "runs").exists()
    if len(arguments) == 1:
        assert spindle("check", *arguments).returncode == 2


def test_check_says_what_was_understood_and_what_each_method_would_do(spindle):
    said = spindle("check", str(FOLDER / "heat.toml")).stdout
    for part in (
        "u_t = k*u_xx + exp(-k*t)*sin(3*x)",
        "equation  heat: linear, 3 separable terms",
        "condition  neumann u: on x=pi/2",
        "refuses     `spd.DTPINN()` scatters nodes in two or three space dimensions",
        "would       exact by construction: dirichlet u, initial u",
        "trains by   300 steps of Gauss-Newton, then up to 5 times 300 steps of Gauss-Newton",
    ):
        assert part in said


def test_check_is_one_object_for_scripts(spindle):
    found = json.loads(spindle("check", str(FOLDER / "inverse.toml"), "--json").stdout)
    assert found["problem"] == "heat_inverse"
    assert found["coordinates"] == {"t": [0, 1], "x": [0, 1]}
    assert found["parameters"] == {"k": {"value": 1.0, "unknown": True, "range": None}}
    assert found["equations"]["equation"]["linear"]
    assert found["conditions"]["observed u"]["where"] == ["60 points"]
    assert "refused" in found["methods"]["fastlrnr"]
    assert found["methods"]["pinn"]["choices"]


def test_check_takes_the_gallery_and_names_doubts():
    found = check(spd.read_problem(FOLDER / "kovasznay.toml"), methods=())
    assert found["equations"]["momentum 1"] | {"text": ""} == {
        "linear": False, "degree": 2, "separable": True, "terms": 5, "text": ""
    }  # fmt: skip
    x = spd.coordinates("x")
    u = spd.unknown("u", x)
    alone = spd.Problem(spd.Interval(x, 0, 1), [u.diff(x) + spd.parameter("b", range=(1, 2)) * u])
    found = check(alone, methods=("dtpinn", "pinn"))
    assert found["doubts"][0].startswith("the problem has no condition")
    assert found["parameters"]["b"]["range"] == [1, 2]
    assert "refused" in found["methods"]["dtpinn"]


def test_what_is_solved_on_elements_is_checked_too():
    found = check(spd.read_problem(FOLDER / "cooled_window.toml"), methods=("spinn",))
    assert found["methods"]["spinn"]["phases"][0] == "elements"
    assert found["conditions"]["window"]["where"] == ["y=1 (0.3<x<0.7)"]
