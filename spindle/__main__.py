"""`python -m spindle`: the command line."""

from spindle.cli import process

process()
