"""Where the command line takes a problem from: a name in the gallery, or a problem file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from spindle.errors import ProblemError, nearest
from spindle.gallery.registry import GALLERY, gallery, options
from spindle.problem.problem import Problem
from spindle.problem_files.read import file_parameters, read_problem
from spindle.problem_files.source import open_source


@dataclass(frozen=True)
class ProblemSource:
    """A problem that can be built with options.

    name      a word for run directories
    options   names of what can be set, with their defaults; None where there is no single one
    build     options by name -> the problem
    text      that of the problem file; None for the gallery
    """

    name: str
    options: Mapping[str, Any]
    build: Callable[..., Problem]
    text: str | None = None

    @property
    def options_in_words(self) -> str:
        """`a1=4, k=1`."""
        written = (
            key if default is None else f"{key}={default if isinstance(default, str) else f'{default:g}'}"
            for key, default in self.options.items()
        )
        return ", ".join(written) or "none"


def problem_source(given: str) -> ProblemSource:
    """The source that a user named; raises ProblemError where it is neither in the gallery nor a readable file."""
    if given in GALLERY:
        return ProblemSource(given, options(given), partial(gallery, given))
    if Path(given).suffix != ".toml" and not Path(given).is_file():
        raise ProblemError(
            f"`{given}`: there is no such file, and no such problem in the gallery." + nearest(given, GALLERY)
        )
    problem = read_problem(given)
    text = open_source(given).source.text
    return ProblemSource(problem.name, file_parameters(given), _Built(given, problem), text)


@dataclass(frozen=True)
class _Built:
    """A problem that was read already, and is read again only where it is to be another."""

    path: str
    problem: Problem

    def __call__(self, **values) -> Problem:
        return read_problem(self.path, **values) if values else self.problem
