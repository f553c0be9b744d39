"""The command `spindle`, outside the package: its import takes seconds, and Ctrl-C then should be a sentence too."""

import os
import signal


def main() -> None:
    """Import the command line and run it."""
    before = signal.signal(signal.SIGINT, _stop)
    from spindle.cli import main as run

    signal.signal(signal.SIGINT, before)
    run()


def _stop(signum, frame) -> None:
    """End at once: some packages swallow a KeyboardInterrupt while they are imported, and go on."""
    os.write(2, b"spindle: interrupted before training began; nothing was saved.\n")
    os._exit(130)
