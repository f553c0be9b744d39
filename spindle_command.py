"""The command `spindle`, outside the package: its import takes seconds, and Ctrl-C then should be a sentence too."""

import os
import signal
import time
from pathlib import Path


def main() -> None:
    """Import the command line and run it."""
    began = time.perf_counter()
    before = signal.signal(signal.SIGINT, _stop)
    _remember_compilations()
    from spindle.cli import main as run

    signal.signal(signal.SIGINT, before)
    run(began)


def _remember_compilations() -> None:
    """Let JAX keep compiled programs on disk, so that the same problem starts at once the second time.

    Here, because JAX reads this when it is imported, and because a library has no business to choose it for its users.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spindle" / "jax"
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")


def _stop(signum, frame) -> None:
    """End at once: some packages swallow a KeyboardInterrupt while they are imported, and go on."""
    os.write(2, b"spindle: interrupted before training began; nothing was saved.\n")
    os._exit(130)
