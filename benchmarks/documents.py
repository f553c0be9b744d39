"""Write what `spindle bench verify` measured into the table of docs/measured.md that is made of it.

    python benchmarks/documents.py [runs/bench/verify.json] [--check]

A row that was not measured keeps its last numbers; `--check` writes nothing and fails where the table is not that of
the claims.
"""

import argparse
import json
import sys
from pathlib import Path

from spindle.experiments.claims import CLAIMS

DOCUMENT = Path(__file__).parents[1] / "docs" / "measured.md"
BEGIN, END = "<!-- spindle bench verify -->\n", "<!-- end -->"
HEAD = "| problem | method | claimed | measured | seconds | verdict |\n|---|---|---|---|---|---|\n"


def rows_of(text: str) -> dict[tuple[str, str], list[str]]:
    """{(problem, method): cells} of the table as it is."""
    between = text[text.index(BEGIN) + len(BEGIN) : text.index(END)]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in between.splitlines()[2:]]
    return {(own[0], own[1]): own for own in cells}


def table(known: dict, measured: list[dict]) -> str:
    """The table of all claims."""
    found = {(row["problem"], row["method"]): row for row in measured}
    lines = []
    for claim in CLAIMS:
        key = (claim.row, repr(claim.method))
        row, before = found.get(key), known.get(key, ["", "", "", "not yet", "", ""])
        new = [] if row is None else [f"{row['measured']:.1e}", f"{row['seconds']:.0f}", row["verdict"]]
        lines.append("| " + " | ".join([*key, f"{claim.error:.1e}", *(new or before[3:])]) + " |\n")
    return HEAD + "".join(lines)


def main() -> None:
    """Rewrite the table, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", type=Path, nargs="*")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    text = DOCUMENT.read_text(encoding="utf-8")
    measured = [row for path in args.numbers for row in json.loads(path.read_text(encoding="utf-8"))]
    new = text[: text.index(BEGIN) + len(BEGIN)] + table(rows_of(text), measured) + text[text.index(END) :]
    if args.check:
        sys.exit(0 if new == text else "docs/measured.md does not hold the table of the claims")
    DOCUMENT.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
