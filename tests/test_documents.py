"""The documents: every name in them exists, every public name is in them, and every block of code runs."""

import ast
import dataclasses
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import yaml

import spindle as spd

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LONG = "# long:"  # at the start of a block: minutes, so that its names are looked at and it is not run
IMPORT = re.compile(r"import spindle as (\w+)")


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)


def calls(code: str):
    """(name, keywords) of each call of what spindle offers."""
    for node in ast.walk(ast.parse(code)):
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if called.startswith(f"{ALIAS}.") and called.count(".") == 1:
            yield called.removeprefix(f"{ALIAS}."), [keyword.arg for keyword in node.keywords]


ALIAS = IMPORT.search(PAGES[0].read_text(encoding="utf-8"))[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_name_exists(page):
    """In tables and sentences, too; and methods have the settings that they are given."""
    text = page.read_text(encoding="utf-8")
    assert {alias for alias in IMPORT.findall(text)} <= {ALIAS}
    unknown = {name for name in re.findall(rf"\b{ALIAS}\.(\w+)", text) if not hasattr(spd, name)}
    assert not unknown
    for code in blocks(page):
        for name, keywords in calls(code):
            offered = getattr(spd, name)
            if dataclasses.is_dataclass(offered) and hasattr(offered, "recipes"):
                assert set(keywords) <= {f.name for f in dataclasses.fields(offered)}, (page.name, name)


def test_the_reference_has_every_public_name():
    described = {name for page in PAGES for name in re.findall(r"^::: spindle\.(\w+)$", page.read_text("utf-8"), re.M)}
    assert described == set(spd.__all__)


def test_the_site_has_every_page():
    def pages(entry):
        if isinstance(entry, str):
            return [entry]
        return [page for part in (entry.values() if isinstance(entry, dict) else entry) for page in pages(part)]

    listed = pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    assert sorted(listed) == sorted(page.relative_to(ROOT / "docs").as_posix() for page in PAGES[1:])


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_block_runs(page, tmp_path, monkeypatch):
    """One after the other, as a reader would type them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    names: dict = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, code in enumerate(blocks(page)):
            if not code.startswith(LONG):
                exec(compile(code, f"{page.name}, block {number + 1}", "exec"), names)


@pytest.mark.slow
def test_the_site_is_built_without_a_warning():
    pytest.importorskip("zensical")
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "docs/scripts")])}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
