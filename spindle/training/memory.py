"""What a program needs of the memory, asked before it runs: an allocation that fails ends Python, or more than that."""

import os
from typing import Any

import jax

_SHARE = 0.8  # of the machine's memory that one program may take


def memory_bytes() -> int:
    """The memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def excess(compiled: Any) -> str:
    """What a compiled program needs, in words, where that is more than there is; "" where it fits.

    On processors only: an accelerator's own allocator refuses with an error that can be caught.
    """
    found = compiled.memory_analysis() if jax.default_backend() == "cpu" else None
    if found is None:
        return ""
    needed, there = found.temp_size_in_bytes + found.argument_size_in_bytes, memory_bytes()
    if needed <= _SHARE * there:
        return ""
    return f"{needed / 2**30:,.0f} GiB of memory, of which this machine has {there / 2**30:,.0f}"
