"""Write what `spindle bench verify` and `spindle reproduce` measured into the tables of docs/measured.md made of it.

    python benchmarks/documents.py [runs/bench/verify.json] [--figures runs/reproduce] [--check]

A claim that was not measured keeps its last numbers; `--check` writes nothing and fails where the table is not that of
the claims. The tables of figures hold the cells of the folder that were run for a twentieth of their steps, or need
none.
"""

import argparse
import json
import sys
from pathlib import Path

from spindle.experiments.claims import CLAIMS
from spindle.reproduction.page import markdown
from spindle.reproduction.registry import stored

DOCUMENT = Path(__file__).parents[1] / "docs" / "measured.md"
BEGIN, END = "<!-- spindle bench verify -->\n", "<!-- end -->"
SHARE = 0.05  # of the published steps
FIGURES, FIGURES_END = "<!-- spindle reproduce -->\n", "<!-- end of figures -->"
HEAD = (
    "| problem | method | claimed | measured | without training | seconds | verdict |\n|---|---|---|---|---|---|---|\n"
)


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
        row, before = found.get(key), known.get(key, ["", "", "", "not yet", "", "", ""])
        new = [] if row is None else [f"{row['measured']:.1e}", alone(row), f"{row['seconds']:.0f}", row["verdict"]]
        lines.append("| " + " | ".join([*key, f"{claim.error:.1e}", *(new or before[3:])]) + " |\n")
    return HEAD + "".join(lines)


def alone(row: dict) -> str:
    """The error of what holds by construction alone; in bold where it is within ten times what was measured."""
    error = row.get("without training", "")
    if error == "":
        return ""
    return f"**{error:.1e}**" if error <= max(10 * row["measured"], 1e-13) else f"{error:.1e}"


def tells(row) -> bool:
    """Whether a cell of a figure was run for long enough for its error to say something."""
    return row.measured is not None and (row.share is None or row.share >= SHARE)


def main() -> None:
    """Rewrite the table, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", type=Path, nargs="*")
    parser.add_argument("--figures", type=Path, help="folder of `spindle reproduce`")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    text = DOCUMENT.read_text(encoding="utf-8")
    measured = [row for path in args.numbers for row in json.loads(path.read_text(encoding="utf-8"))]
    new = text[: text.index(BEGIN) + len(BEGIN)] + table(rows_of(text), measured) + text[text.index(END) :]
    if args.figures:
        begin, end = new.index(FIGURES) + len(FIGURES), new.index(FIGURES_END)
        tables = [markdown(figure, [row for row in rows if tells(row)]) for figure, rows in stored(args.figures)]
        new = new[:begin] + "".join(tables) + new[end:]
    if args.check:
        sys.exit(0 if new == text else "docs/measured.md does not hold the table of the claims")
    DOCUMENT.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
