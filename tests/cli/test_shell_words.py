"""At the command line no sentence speaks of Python."""

import pytest

from spindle.cli.shell_words import for_the_shell

SENTENCES = [
    ("use `spd.DTPINN()` or `spd.PINN()`.", "use `--method dtpinn` or `--method pinn`."),
    ("`spd.SPINN(rank=-3)` needs a whole number", "`--method spinn --set rank=-3` needs a whole number"),
    (
        "`spd.SPINN(rank='full', network='mlp')` asks for",
        "`--method spinn --set rank=full --set network=mlp` asks for",
    ),
    ("`spd.PINN(points=(4, 4, 4))` has 3", "`--method pinn --set 'points=(4, 4, 4)'` has 3"),
    ("`spd.PINN(weights={'a': 1})` is", "`--method pinn --set 'weights={'\"'\"'a'\"'\"': 1}'` is"),
    ("`spd.DTPINN(points=..., sampling=...)` has", "`--method dtpinn --set points=... --set sampling=...` has"),
    ("`spd.solve(heat, spd.FastLRNR())` met a loss", "`spindle solve heat --method fastlrnr` met a loss"),
    ("`spd.solve(seed=-1)` needs a whole number", "`--seed -1` needs a whole number"),
    ("continue it, `spd.resume(directory)`.", "continue it, `spindle resume runs/a`."),
    ("no call at all", "no call at all"),
    ("`spd.SPINN(rank=3 is cut", "`--method spinn --set 'rank=3 is cut'"),
]


@pytest.mark.parametrize(("python", "shell"), SENTENCES, ids=[shell for _, shell in SENTENCES])
def test_calls_become_options(python, shell):
    assert for_the_shell(python, "runs/a") == shell
