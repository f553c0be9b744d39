"""`python -m spindle`: the command line."""

from spindle.cli.main import process

process()
