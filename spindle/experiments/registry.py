"""The comparisons by name."""

from collections.abc import Callable

from spindle.errors import MethodError, nearest
from spindle.experiments import dtpinn, estimates, families, flows, referee
from spindle.experiments.claims import verify
from spindle.experiments.rows import Row, run_row
from spindle.experiments.spinn import DEFAULTS, HARD, LEARNED, MEMBERS, PAPER, PAPER_PINN, PINN_DEFAULTS, PLAIN

BENCHES: dict[str, tuple[Row, ...]] = {
    "spinn": PAPER + DEFAULTS,
    "spinn-paper": PAPER,
    "spinn-default": DEFAULTS,
    "spinn-members": MEMBERS,
    "spinn-plain": PLAIN,
    "spinn-learned": LEARNED,
    "spinn-hard": HARD,
    "dtpinn": dtpinn.DISK,
    "dtpinn-others": dtpinn.OTHERS,
    "dtpinn-paper": dtpinn.PAPER,
    "estimates": estimates.ROWS,
    "flows": flows.DEFAULTS,
    "flows-paper": flows.PAPER,
    "fastlrnr": families.DEFAULTS,
    "fastlrnr-published": families.PUBLISHED,
    "referee": referee.ROWS,
    "pinn-paper": PAPER_PINN,
    "pinn-default": PINN_DEFAULTS,
}


VERIFY = "verify"  # every number of the documents
NAMES = (*BENCHES, VERIFY)


def run_bench(name: str, *, quick: bool, tell: Callable) -> list[dict]:
    """A line of the table for each row of a comparison, run one after the other.

    Raises MethodError where there is no comparison of that name.
    """
    if name == VERIFY:
        return verify(quick=quick, tell=tell)
    if name not in BENCHES:
        raise MethodError(f"`spindle bench {name}`: there is no such comparison." + nearest(name, NAMES))
    return [run_row(row, quick=quick, tell=tell) for row in BENCHES[name]]
