"""The command `spindle`, outside the package: its import takes seconds, and Ctrl-C then should be a sentence too."""

import gc
import logging
import os
import signal
import sys
import time
from pathlib import Path

import psutil
from platformdirs import user_cache_path

_IMPORTS = 850 * 2**20  # bytes of address space, measured


def main() -> None:
    """Import the command line and run it."""
    began = time.perf_counter()
    before = [signal.signal(signum, _stop) for signum in (signal.SIGINT, signal.SIGTERM)]
    _refuse_small_limits()
    _remember_compilations()
    gc.disable()  # a fifth of the time of the imports would go into looking for garbage among what stays
    from spindle.cli.main import process as run

    gc.freeze()
    gc.enable()
    signal.signal(signal.SIGINT, before[0])
    signal.signal(signal.SIGTERM, before[1])
    run(began)


def _refuse_small_limits() -> None:
    """End with a sentence where the packages would not fit into the memory that `ulimit -v` allows."""
    process = psutil.Process()
    if hasattr(process, "rlimit") and 0 <= (most := process.rlimit(psutil.RLIMIT_AS)[0]) < _IMPORTS:
        print(
            f"spindle: its packages map about {_IMPORTS >> 20} MiB of memory, and `ulimit -v` allows "
            f"{most >> 20}; raise it, for example `ulimit -v unlimited`.",
            file=sys.stderr,
        )
        sys.exit(2)


def _remember_compilations() -> None:
    """Let JAX keep compiled programs on disk, so that the same problem starts at once the second time.

    Here, because JAX reads this when it is imported, and because a library has no business to choose it for its users.
    Where nothing can be kept, for want of a home or of the right to write there, nothing is.
    """
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ and (folder := _folder()):
        _say_to_jax("JAX_COMPILATION_CACHE_DIR", str(folder))
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        _say_to_jax("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", 0.3)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it warns where its own folder cannot be made


def _say_to_jax(name: str, value: str | float) -> None:
    """Set what JAX reads when it is imported; `python -m spindle` has imported it already."""
    os.environ[name] = str(value)
    if "jax" in sys.modules:
        sys.modules["jax"].config.update(name.lower(), value)


def _folder() -> Path | None:
    """A folder that can be written to; None where there is none."""
    try:
        given = os.environ.get("SPINDLE_CACHE")
        folder = (Path(given).absolute() if given else user_cache_path("spindle", appauthor=False)) / "jax"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # a place that is none, or nobody's home
        return None
    return folder if os.access(folder, os.W_OK) else None


def _stop(signum, frame) -> None:
    """End at once: some packages swallow a KeyboardInterrupt while they are imported, and go on."""
    os.write(2, b"spindle: interrupted before training began; nothing was saved.\n")
    os._exit(128 + signum)
