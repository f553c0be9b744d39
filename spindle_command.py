"""The command `spindle`, outside the package: its import takes seconds, and Ctrl-C then should be a sentence too."""

import sys


def main() -> None:
    """Import the command line and run it."""
    try:
        from spindle.cli import main as run
    except KeyboardInterrupt:
        print("spindle: interrupted before training began; nothing was saved.", file=sys.stderr)
        sys.exit(130)
    run()
