"""The documents and the table of what they claim say the same."""

import importlib.util
import re
from pathlib import Path

from spindle.experiments.claims import CLAIMS, Claim
from spindle.gallery.registry import GALLERY
from spindle.methods.spinn import SPINN

ROOT = Path(__file__).parents[2]


def documents():
    path = ROOT / "benchmarks" / "documents.py"
    module = importlib.util.module_from_spec(importlib.util.spec_from_file_location("documents", path))
    module.__spec__.loader.exec_module(module)
    return module


def test_the_table_of_the_document_is_that_of_the_claims():
    writer = documents()
    text = writer.DOCUMENT.read_text(encoding="utf-8")
    between = text[text.index(writer.BEGIN) + len(writer.BEGIN) : text.index(writer.END)]
    assert between == writer.table(writer.rows_of(text), [])


def test_what_was_measured_goes_into_the_table():
    claim = CLAIMS[0]
    row = {"problem": claim.row, "method": repr(claim.method), "measured": 0.25, "seconds": 7.4, "verdict": "doubtful"}
    first, second = documents().table({}, [row]).splitlines()[2:4]
    assert first.endswith("| 2.5e-01 |  | 7 | doubtful |")
    for alone, shown in ((2.0, "**2.0e+00**"), (3.0, "3.0e+00")):
        (line,) = documents().table({}, [row | {"without training": alone}]).splitlines()[2:3]
        assert f"| 2.5e-01 | {shown} | 7 |" in line
    assert "not yet" in second


def test_every_claim_stands_elsewhere_in_the_documents():
    text = (ROOT / "README.md").read_text() + re.sub(
        r"<!-- spindle bench verify -->.*<!-- end -->", "", (ROOT / "docs" / "measured.md").read_text(), flags=re.S
    )
    missing = [c.row for c in CLAIMS if f"{c.error:.1e}" not in text and c.error != 0]
    assert not missing


def test_every_default_solve_of_the_readme_is_a_claim():
    claimed = {c.problem for c in CLAIMS}
    rows = re.findall(
        r"^\| `(\w+)`[^|]*\| `(?:SPINN|DTPINN|FastLRNR)\([^)`]*\)`", (ROOT / "README.md").read_text(), re.M
    )
    shown = {name for name in rows if name in GALLERY}
    assert shown and shown <= claimed | {"helmholtz3d", "klein_gordon3d"}


def test_a_claim_holds_up_to_its_factor_and_to_rounding():
    claim = Claim("poisson2d", SPINN(), 1e-4, 1)
    assert claim.holds(1.9e-4) and not claim.holds(2.1e-4) and not claim.holds(float("nan"))
    assert Claim("poisson2d", SPINN(), 1e-16, 1).holds(9e-14)
