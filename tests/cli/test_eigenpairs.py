"""`spindle solve` of a file with an eigenvalue."""

import json

import pytest
import xarray

import spindle as spd
from spindle.cli.eigenpairs import is_eigenproblem, solve_eigenproblem
from spindle.cli.sources import problem_source

DRUM = """\
unknowns = "u"
coordinates = { x = [0, "pi"], y = [0, "pi"] }
parameters = { lam = { eigenvalue = true }, c = 1 }
equations = ["-c*laplacian(u) = lam*u"]
conditions = [{ dirichlet = "u = 0" }]
"""


def solved(folder, settings, **options):
    (folder / "drum.toml").write_text(DRUM)
    source = problem_source(str(folder / "drum.toml"))
    assert is_eigenproblem(source)
    options = {"out": folder / "run", "json": True, "strict": False} | options
    solve_eigenproblem(source, options.pop("method", None), "default", settings, **options)


def test_pairs_are_printed_and_written(tmp_path, capsys):
    solved(tmp_path, {"count": 4, "c": 2.0})
    printed = json.loads(capsys.readouterr().out)
    assert [pair["value"] for pair in printed["pairs"]] == pytest.approx([4, 10, 10, 16])
    assert printed["verdict"]["word"] == "solved"
    assert json.loads((tmp_path / "run" / "eigenpairs.json").read_text())["pairs"] == printed["pairs"]
    with xarray.open_dataset(tmp_path / "run" / "eigenfunctions.nc", engine="h5netcdf") as grid:
        assert grid.u.shape == (4, 101, 101)


def test_settings_go_to_the_method_and_what_does_not_fit_is_refused(tmp_path, capsys):
    solved(tmp_path, {"count": 1, "width": 8}, method="spinn", json=False)
    assert "8 polynomials an axis" in capsys.readouterr().out
    with pytest.raises(spd.MethodError, match="has no setting `widht`"):
        solved(tmp_path, {"widht": 8}, method="spinn")
    with pytest.raises(spd.MethodError, match="other methods train a network"):
        solved(tmp_path, {}, method="pinn", strict=True)
