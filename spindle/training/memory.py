"""What a program needs of the memory, asked before it runs: an allocation that fails ends Python, or more than that."""

import os
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import jax
import psutil

from spindle.errors import MethodError

try:
    import resource
except ImportError:  # a system without it, where psutil knows the peak
    resource = None  # type: ignore[assignment]

_SHARE = 0.8  # of the memory that is left, that one program may take
# What JAX and the linear algebra of SciPy map at their start, measured on two cores, and the stacks of their threads on
# each further one. Their libraries end the process, without an exception, where they do not get it.
_START, _EACH_CORE = 1_150 * 2**20, 24 * 2**20
_RESIDENT = 200 * 2**20  # of what JAX maps, that it fills at once
_SIGNS = ("RESOURCE_EXHAUSTED", "Out of memory", "out of memory", "bad_alloc", "Cannot allocate memory")
_CONTROL = Path("/sys/fs/cgroup")  # where Linux keeps its control groups, and what it calls limit, use and idle cache
_MEMBERSHIP = Path("/proc/self/cgroup")
_FILES = {
    "": ("memory.max", "memory.current", "inactive_file"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def memory_bytes() -> int:
    """The memory that this process can still take: of the machine, of its limits (`ulimit`), of its control group."""
    return max(0, min([psutil.virtual_memory().available, *_left_by_limits(), *_left_by_groups()]))


def excess(compiled: Any) -> str:
    """What a compiled program needs, in words, where that is more than there is; "" where it fits.

    On processors only: an accelerator's own allocator refuses with an error that can be caught.
    """
    analysis = compiled.memory_analysis() if jax.default_backend() == "cpu" else None
    if analysis is None:
        return ""
    needed, left = analysis.temp_size_in_bytes + analysis.argument_size_in_bytes, memory_bytes()
    return "" if needed <= _SHARE * left else f"{in_words(needed)} of memory, of which {in_words(left)} are left"


def in_words(size: float) -> str:
    """`3 GiB`, or `12 MiB`."""
    return f"{size / 2**30:,.0f} GiB" if size >= 10 * 2**30 else f"{size / 2**20:,.0f} MiB"


def peak_bytes() -> int:
    """The most memory that this process had, as far as the system tells; else what it has now."""
    if resource is None:
        now = psutil.Process().memory_info()
        return getattr(now, "peak_wset", now.rss)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if psutil.MACOS else 1024 * peak  # others count kilobytes


@contextmanager
def memory_in_sentences(call: str, kept: Callable[[], str] = str) -> Iterator[None]:
    """Raise MethodError where the memory does not suffice, whoever finds that out.

    kept   what else there is to say then
    """
    try:
        yield
    except (MemoryError, jax.errors.JaxRuntimeError) as error:
        if not isinstance(error, MemoryError) and not any(sign in str(error) for sign in _SIGNS):
            raise
        said = textwrap.shorten(str(error), 160, placeholder=" ...").rstrip(".") or "an allocation failed"
        raise MethodError(
            f"`{call}` needs more memory than it can have ({said}), so it had to stop; lower `points`, `width` or "
            f"`rank`, or give it more memory.{kept()}"
        ) from error


@cache
def refuse_to_start_in_too_little() -> None:
    """Raise MethodError where limits leave less than JAX takes at its start; asked once, as it starts once."""
    mapped = _START + _EACH_CORE * max(0, (os.cpu_count() or 1) - 2)
    for needed, left in ((mapped, _left_by_limits()), (_RESIDENT, _left_by_groups())):
        if min(left, default=needed) < needed:
            raise MethodError(
                f"JAX takes about {in_words(needed)} of memory to start, of which the limits of this process leave "
                f"{in_words(min(left))}, and it would end without a word; raise them (`ulimit -v unlimited`, or the "
                f"memory of the container or job)."
            )


def _left_by_limits() -> list[int]:
    """What `ulimit` leaves of address space and of data, where such limits are set."""
    process = psutil.Process()
    if not hasattr(process, "rlimit"):
        return []
    used = process.memory_info()
    limits = ((psutil.RLIMIT_AS, used.vms), (psutil.RLIMIT_DATA, used.data))
    soft = [(process.rlimit(limit)[0], taken) for limit, taken in limits]
    return [max(0, limit - taken) for limit, taken in soft if limit != psutil.RLIM_INFINITY]


def _left_by_groups() -> list[int]:
    """What the control groups of this process, and those around them, leave; nothing where a system has none."""
    try:
        lines = _MEMBERSHIP.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    left = []
    for line in lines:
        _, kind, place = line.split(":", 2)
        if kind in _FILES:
            folder = _CONTROL / kind / place.lstrip("/")
            # In a container the group may have another name than its folder here, whose root is then its own.
            around = [folder, *folder.parents]
            left += [_left_by_group(group, *_FILES[kind]) for group in around if group.is_relative_to(_CONTROL / kind)]
    return [size for size in left if size is not None]


def _left_by_group(group: Path, limit: str, used: str, idle: str) -> int | None:
    """None where this group has no limit."""
    try:
        most, taken = (int((group / name).read_text(encoding="utf-8")) for name in (limit, used))
        told = dict(line.split(maxsplit=1) for line in (group / "memory.stat").read_text(encoding="utf-8").splitlines())
        return max(0, most - taken + int(told.get(idle, 0)))
    except (OSError, ValueError):  # there is no such file, or it says "max"
        return None
