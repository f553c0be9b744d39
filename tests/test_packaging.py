"""What is installed: one version and one list of dependencies everywhere, and a wheel that works by itself."""

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RECIPE = yaml.safe_load((ROOT / "conda/recipe.yaml").read_text(encoding="utf-8"))
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
NAMES_OF_CONDA = {"matplotlib": "matplotlib-base"}


def test_the_version_is_the_same_everywhere():
    assert PROJECT["version"] == RECIPE["context"]["version"] == CITATION["version"]


def test_conda_and_pip_install_the_same():
    listed = [line for line in RECIPE["requirements"]["run"] if not line.startswith("python ")]
    wanted = [entry.replace(">=", " >=").split() for entry in PROJECT["dependencies"]]
    assert listed == [" ".join([NAMES_OF_CONDA.get(name, name), *bound]) for name, *bound in wanted]
    assert RECIPE["context"]["python_min"] == PROJECT["requires-python"].removeprefix(">=")


def test_every_python_that_is_promised_has_its_versions():
    pythons = [c.rsplit(" ", 1)[1] for c in PROJECT["classifiers"] if "Python :: 3." in c]
    assert [(ROOT / f"requirements/python{version}.txt").exists() for version in pythons] == [True] * len(pythons)


def build(source, kind, folder):
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_what_is_built_solves_and_reports_by_itself(tmp_path, kind):
    """Unpacked into an empty folder, with nothing of the clone on the path."""
    build(ROOT, kind, tmp_path)
    if kind == "sdist":
        (archive,) = tmp_path.glob("*.tar.gz")
        with tarfile.open(archive) as packed:
            packed.extractall(tmp_path, filter="data")
        (source,) = (path for path in tmp_path.glob("spindle_pinn-*") if path.is_dir())
        build(source, "wheel", tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    code = """
import spindle
assert spindle.__file__.startswith({folder!r}), spindle.__file__
solution = spindle.solve(spindle.gallery.poisson2d(), spindle.SPINN(), progress=False)
assert solution.error() < 1e-9
solution.report("page.html")
solution.plot().figure.savefig("u.png")
print(spindle.gallery.poisson_cad().domain.volume, spindle.gallery.navier_stokes3d().name)
"""
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed"), "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, "-c", code.format(folder=str(tmp_path / "installed"))],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    command = [sys.executable, "-m", "spindle", "list"]
    listed = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "poisson2d" in listed.stdout, listed.stderr
