"""What commands say: sentences on standard error, and on standard output what they were asked for."""

from rich.console import Console

from spindle.cli.shell_words import for_the_shell
from spindle.visible import LONGEST, visible

console = Console(stderr=True, highlight=False)


def say(sentence: str, style: str | None = None) -> None:
    """One line on standard error, whole, so that a pipe or a log can be searched."""
    console.print(visible(sentence, most=LONGEST), style=style, markup=False, soft_wrap=True)


def show(text: object) -> None:
    """What a command was asked for, on standard output."""
    print(visible(str(text), lines=True))


def complain(sentence: str) -> None:
    """What went wrong, in red, as one line on standard error."""
    say(f"spindle: {for_the_shell(sentence)}", style="red")
