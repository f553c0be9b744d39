"""How the programs beside this one time a function, and call the command line as a whole command."""

import sys
import time

import jax

SPINDLE = [sys.executable, "-c", "import spindle_command; spindle_command.main()"]


def seconds(function, *arguments, repeats=5):
    """The shortest of some calls, after one that compiles."""
    jax.block_until_ready(function(*arguments))
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        found.append(time.perf_counter() - began)
    return min(found)
