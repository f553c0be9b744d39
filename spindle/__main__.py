"""`python -m spindle`: the command line, as `spindle` starts it."""

from spindle_command import main

main()
