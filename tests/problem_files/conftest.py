"""The command line in this process, as the tests of the command line run it."""

from tests.cli.test_cli import spindle

__all__ = ["spindle"]
