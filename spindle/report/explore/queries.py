"""What the page of a family shows, as plain data: sliders, the numbers of pictures, what is known of a member."""

import itertools
import math
import reprlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spindle.errors import ProblemError
from spindle.methods.registry import label
from spindle.problem.families import family_parameters
from spindle.report.html import number
from spindle.results.members import Member
from spindle.results.solution import Solution
from spindle.symbolic.symbols import is_time
from spindle.visible import visible

NODES = (121, 81)  # of a plane, horizontal and vertical: what can be evaluated and drawn as a slider moves
LINE_NODES = 401
TIMES = 5  # at which lines are drawn; a divisor of the horizontal nodes less one, so that they fall on nodes
_STEPS = 100  # of a slider, at least
_SAMPLES = 16  # random members for the scale, besides the corners of the family and its middle
_MOST_CORNERS = 4  # parameters; beyond, there are too many corners


@dataclass(frozen=True)
class Slider:
    """A quantity that the reader chooses: a parameter, or a coordinate that is on no axis of the picture."""

    name: str
    low: float
    high: float

    @property
    def step(self) -> float:
        """The largest of 1, 2 and 5 times a power of ten that gives enough steps."""
        most = (self.high - self.low) / _STEPS
        power = 10.0 ** math.floor(math.log10(most))
        return next(float(f"{k * power:.1g}") for k in (5, 2, 1) if k * power <= most * (1 + 1e-9))

    @property
    def start(self) -> float:
        """The middle of the range, as a number of few digits."""
        middle = self.low + round((self.high - self.low) / 2 / self.step) * self.step
        return float(f"{middle:.12g}")

    def inside(self, value) -> float:
        """The value as a number inside the range; the end of it where the last step reached past the end.

        Raises ProblemError for no number, and for a number farther outside, which no slider sends.
        """
        number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
        if not self.low - self.step <= number <= self.high + self.step:
            raise ProblemError(
                f"The slider `{self.name}` was set to {reprlib.repr(value)}, and the family was solved from "
                f"{self.low:g} to {self.high:g} only; move it to a number in between."
            )
        return min(max(number, self.low), self.high)


@dataclass(frozen=True)
class Answer:
    """The values of one unknown of one member, and the time they took.

    values        on the nodes of the picture: (horizontal,), or (vertical, horizontal)
    estimate      estimated relative error; None of methods that do not estimate
    residual      root mean square of the weighted residuals; None as before
    query, drawn  milliseconds to find the member, and to evaluate it on the nodes
    """

    values: np.ndarray
    estimate: float | None
    residual: float | None
    query: float
    drawn: float


class Explorer:
    """A solved family as its reader moves through it; may be asked from several threads.

    solution    of a problem with parameters that range
    axes        names of the coordinates of the picture, the horizontal one first
    sliders     of the parameters, then of the coordinates that are on no axis
    lined       whether there is a second picture, of lines at some times
    """

    def __init__(self, solution: Solution):
        problem = solution.problem
        coordinates = [c for c in problem.coordinates if c not in family_parameters(problem)]
        self.solution, self.axes = solution, tuple(c.name for c in _shown(coordinates))
        self.bounds = {c.name: ends for c, ends in zip(problem.coordinates, problem.domain.bounds, strict=True)}
        self.parameters = tuple(p.name for p in family_parameters(problem))
        others = [c.name for c in coordinates if c.name not in self.axes]
        self.sliders = tuple(Slider(name, *self.bounds[name]) for name in (*self.parameters, *others))
        self.lined = len(coordinates) == 2 and is_time(_shown(coordinates)[0])
        self.unknowns = {u.func.__name__: u for u in problem.unknowns}
        self._lock = threading.Lock()

    @property
    def title(self) -> str:
        """The title of the problem."""
        return visible(self.solution.problem.title or self.solution.problem.name)

    @property
    def subtitle(self) -> str:
        """The name of the problem and the method that solved it."""
        return f"{visible(self.solution.problem.name)}, solved by {label(self.solution.method)}"

    @property
    def start(self) -> dict[str, float]:
        """{slider: value} with which the page opens."""
        return {s.name: s.start for s in self.sliders}

    @property
    def listed(self) -> list[dict[str, float]]:
        """The parameters of the members whose reference is tabulated."""
        references = self.solution.problem.known.values()
        return next(([dict(values) for values in r.members] for r in references if r.members), [])

    @cached_property
    def nodes(self) -> tuple[np.ndarray, ...]:
        """Equidistant nodes (n,) of each axis of the picture."""
        counts = NODES if len(self.axes) == 2 else (LINE_NODES,)
        return tuple(np.linspace(*self.bounds[name], n) for name, n in zip(self.axes, counts, strict=True))

    @property
    def times(self) -> dict[str, int]:
        """{label: column of the plane} of some times from the first to the last; empty where no lines are drawn."""
        if not self.lined:
            return {}
        nodes = self.nodes[0]
        columns = range(0, len(nodes), (len(nodes) - 1) // (TIMES - 1))
        return {f"{self.axes[0]} = {nodes[k]:.3g}": k for k in columns}

    @cached_property
    def limits(self) -> dict[str, tuple[float, float]]:
        """{unknown: its smallest and largest value} over some members, so that one scale fits the whole family.

        The first call compiles what all later ones need.
        """
        limits = {}
        for name in self.unknowns:
            values = np.concatenate([self.ask(name, chosen).values.ravel() for chosen in self._sample()])
            limits[name] = _apart(values[np.isfinite(values)])
        return limits

    def ask(self, unknown: str, chosen: Mapping[str, float]) -> Answer:
        """The values of an unknown where the sliders stand.

        Raises ProblemError where there is no such unknown, or a value lies outside its slider.
        """
        if unknown not in self.unknowns:
            raise ProblemError(
                f"The page asked for `{reprlib.repr(unknown)}`, which is no unknown; choose {', '.join(self.unknowns)}."
            )
        parameters, fixed = self._split(chosen)
        axes = dict(zip(self.axes, self.nodes, strict=True)) | fixed
        with self._lock:
            begun = time.perf_counter()
            member = self._member(parameters)
            answered = time.perf_counter()
            values = member.grid(self.unknowns[unknown], **axes)
            ended = time.perf_counter()
        estimate, residual = (member.estimate, member.residual) if self.solution.reduced else (None, None)
        return Answer(self._arranged(values), estimate, residual, 1e3 * (answered - begun), 1e3 * (ended - answered))

    def error(self, chosen: Mapping[str, float]) -> float | None:
        """The relative L2 error of the member, the largest of its unknowns; None where it has no reference."""
        parameters, _ = self._split(chosen)
        with self._lock:
            try:
                return self._member(parameters).error()
            except ProblemError:  # this member has no reference
                return None

    def _split(self, chosen: Mapping[str, float]) -> tuple[dict[str, float], dict[str, list[float]]]:
        """Parameters, and coordinates as axes of one node; inside the ranges, past which the last step may reach."""
        inside = {s.name: s.inside(chosen[s.name]) for s in self.sliders}
        fixed = {name: [value] for name, value in inside.items() if name not in self.parameters}
        return {name: inside[name] for name in self.parameters}, fixed

    def _member(self, parameters: Mapping[str, float]) -> Member:
        """The member, as a low-rank method tunes it, or as the solution of the family has it."""
        if self.solution.reduced is not None:
            return self.solution(**parameters)
        return Member(self.solution, np.array([parameters[name] for name in self.parameters]))

    def _arranged(self, values: np.ndarray) -> np.ndarray:
        """The axes of the picture, vertical before horizontal, without those of one node."""
        names = [c.name for c in self.solution.problem.coordinates if c.name not in self.parameters]
        shown = [names.index(name) for name in reversed(self.axes)]
        rest = [k for k in range(len(names)) if k not in shown]
        return np.transpose(values, rest + shown).reshape([values.shape[k] for k in shown])

    def _sample(self) -> list[dict[str, float]]:
        """Values of the sliders: the middle, the corners where there are few, and some at random, always the same."""
        ends = [(s.low, s.high) for s in self.sliders]
        corners = list(itertools.product(*ends)) if len(ends) <= _MOST_CORNERS else []
        low, high = np.transpose(ends)
        random = np.random.default_rng(0).uniform(low, high, size=(_SAMPLES, len(ends)))
        rows = [tuple(self.start.values()), *corners, *map(tuple, random)]
        return [{s.name: float(v) for s, v in zip(self.sliders, row, strict=True)} for row in rows]


def facts(answer: Answer, error: float | None, *, measured: bool = True) -> dict[str, str]:
    """{name: text} of the errors of a member and the time it took.

    measured   whether the error has been looked for; else it is being computed
    """
    listed = {}
    if answer.estimate is not None and answer.residual is not None:
        listed = {"estimated relative error": _rounded(answer.estimate), "residual": _rounded(answer.residual)}
    missing = "no reference" if measured else "…"
    listed["error against reference"] = missing if error is None else _rounded(error)
    if answer.estimate is not None:
        listed["query"] = f"{answer.query:.1f} ms"
    listed[f"picture of {answer.values.size:,} values"] = f"{answer.drawn:.0f} ms"
    return listed


def _shown(coordinates) -> list:
    """The coordinates of the picture: both where there are two, time first; else two that are no times."""
    if len(coordinates) <= 2:
        return sorted(coordinates, key=lambda c: not is_time(c))
    return [c for c in coordinates if not is_time(c)][:2]


def _apart(values: np.ndarray) -> tuple[float, float]:
    """Smallest and largest number, a little apart where they are equal."""
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    return (low, high) if high > low else (low - 0.5 * abs(low or 1), high + 0.5 * abs(high or 1))


def _rounded(value: float) -> str:
    """The number with two digits: an estimate says no more."""
    return f"{value:.1e}" if math.isfinite(value) else number(value)
