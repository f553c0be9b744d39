"""`spindle solve` of a problem file with an eigenvalue: its eigenpairs, as lines and as files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from spindle.cli.output import say, show
from spindle.cli.sources import ProblemSource
from spindle.methods.registry import method_named
from spindle.results.directory import to_json, write_json
from spindle.results.eigenpairs import Eigenpairs
from spindle.results.verdict import NOT_SOLVED
from spindle.solving.eigenpairs import eigenpairs
from spindle.storage.arrays import write_atomically

_NODES = {1: 1_001, 2: 101, 3: 41}  # of each axis of the grid that is written, by the number of axes


def is_eigenproblem(source: ProblemSource) -> bool:
    """Whether a problem file has an eigenvalue."""
    return source.text is not None and source.build().eigenvalue is not None


def solve_eigenproblem(
    source: ProblemSource,
    method: str | None,
    recipe: str,
    settings: Mapping[str, Any],
    *,
    out: Path,
    json: bool,
    strict: bool,
) -> None:
    """Print the eigenpairs of a problem file, and write them with their eigenfunctions into a directory.

    settings   `count` and `near` of `spd.eigenpairs`, parameters of the file, and settings of the method
    """
    options: dict[str, Any] = {key: settings[key] for key in ("count", "near") if key in settings}
    of_problem = {key: value for key, value in settings.items() if key in source.options}
    of_method = {key: value for key, value in settings.items() if key not in {*options, *of_problem}}
    if method is not None or of_method:
        options["method"] = method_named(method or "dtpinn", {"recipe": recipe, **of_method})
    pairs = eigenpairs(source.build(**of_problem), **options)
    written = _written(pairs, source, out)
    if json:
        print(to_json(pairs.record() | {"directory": str(out)}))
    else:
        show(pairs)
        say(f"{'written':<11}{', '.join(written)} in {out}")
    if strict and pairs.verdict.word == NOT_SOLVED:
        raise typer.Exit(4)


def _written(pairs: Eigenpairs, source: ProblemSource, out: Path) -> list[str]:
    """The names of the files that are written: the record, the text of the problem, and a grid of real fields."""
    write_json(out / "eigenpairs.json", pairs.record())
    write_atomically(out / "problem.toml", (source.text or "").encode())
    names = ["eigenpairs.json", "problem.toml"]
    nodes = _NODES.get(len(pairs.problem.coordinates))
    if nodes and pairs.values.dtype.kind == "f":
        grid = pairs.to_xarray(**{c.name: nodes for c in pairs.problem.coordinates})
        grid.to_netcdf(out / "eigenfunctions.nc", engine="h5netcdf")
        names.append("eigenfunctions.nc")
    return names
