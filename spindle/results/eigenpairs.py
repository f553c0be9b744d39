"""`Eigenpairs`: eigenvalues and eigenfunctions, each with its residual, its estimated error and a verdict."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from spindle.classical.spectra import Eigenfunction, Spectrum
from spindle.errors import ProblemError, nearest, usage
from spindle.problem.problem import Problem
from spindle.results.evaluator import inside
from spindle.results.references import scattered_points
from spindle.results.verdict import DOUBTFUL, NOT_SOLVED, SOLVED, Verdict
from spindle.symbolic.words import shown

if TYPE_CHECKING:
    import xarray

_RESIDUAL, _ERROR = 5e-2, (8e-3, 0.3)  # relative: above the first a pair is doubtful, above the second it is none
_SAMPLES = 400


@dataclass(frozen=True, repr=False)
class Eigenpair:
    """One eigenvalue with an eigenfunction, whose largest value (at samples, over all unknowns) is 1.

    value      the eigenvalue: a float, or complex
    residual   of the equation, relative to its terms; of differences, what it does to the eigenfunction
    estimate   estimated error of the value, relative to it
    """

    problem: Problem
    value: complex
    residual: float
    estimate: float
    function: Eigenfunction

    @usage("pair(x=0.5, y=[0.1, 0.2])", name="pair")
    def __call__(self, unknown=None, **coordinates) -> np.ndarray:
        """Values of the eigenfunction at points; coordinates broadcast together, NaN outside the domain.

        unknown   which one; default: the first
        Raises ProblemError where a coordinate is missing, or the unknown is none of the problem's.
        """
        names = [c.name for c in self.problem.coordinates]
        if set(coordinates) != set(names):
            raise ProblemError(
                f"`pair({', '.join(f'{name}=...' for name in coordinates)})` needs each of the coordinates "
                f"{', '.join(names)} of `{self.problem.name}` once; write "
                f"`pair({', '.join(f'{name}=0.5' for name in names)})`."
            )
        values = np.broadcast_arrays(*(np.asarray(coordinates[name], float) for name in names))
        points = np.stack([v.ravel() for v in values], axis=1)
        return self._at(points, self._number(unknown)).reshape(values[0].shape)

    def _number(self, unknown) -> int:
        if unknown is None:
            return 0
        if unknown not in self.problem.unknowns:
            raise ProblemError(
                f"`pair({shown(unknown)}, ...)` is none of the unknowns of `{self.problem.name}`."
                + nearest(shown(unknown), [u.func.__name__ for u in self.problem.unknowns])
            )
        return self.problem.unknowns.index(unknown)

    def _at(self, points: np.ndarray, unknown: int) -> np.ndarray:
        return inside(self.problem, points, self._factor * self.function.at(points, unknown))

    @cached_property
    def _factor(self) -> complex:
        points = scattered_points(self.problem)[: 4 * _SAMPLES]
        points = points[self.problem.domain.contains(points)][:_SAMPLES]
        values = np.concatenate([self.function.at(points, k) for k in range(len(self.problem.unknowns))])
        return 1 / values[np.argmax(np.abs(values))]

    @property
    def verdict(self) -> Verdict:
        """What is to be believed of this pair."""
        reasons = []
        if not self.residual <= _RESIDUAL:
            reasons.append((1, f"its residual is {self.residual:.1e} of the eigenfunction"))
        if not self.estimate <= _ERROR[0]:
            reasons.append((1 if self.estimate <= _ERROR[1] else 2, f"its estimated error is {self.estimate:.1e}"))
        worst = max((grade for grade, _ in reasons), default=0)
        return Verdict((SOLVED, DOUBTFUL, NOT_SOLVED)[worst], tuple(sentence for _, sentence in reasons))

    def __repr__(self):
        return f"<Eigenpair {self.value:.12g}: {self.verdict.word}, error about {self.estimate:.1e}>"


@usage("spd.eigenpairs(problem, count=6)")
@dataclass(frozen=True, repr=False)
class Eigenpairs:
    """Some eigenpairs of a problem in ascending order: `pairs.values`, `pairs[0](x=0.5)`, `print(pairs)`.

    method    "spinn" or "dtpinn", the engine that found them
    seconds   that it took
    """

    problem: Problem
    method: str
    spectrum: Spectrum
    seconds: float

    @property
    def values(self) -> np.ndarray:
        """The eigenvalues (k,), real or complex."""
        return self.spectrum.values

    @cached_property
    def _pairs(self) -> list[Eigenpair]:
        s = self.spectrum
        rows = zip(s.values, s.residuals, s.estimates, s.functions, strict=True)
        return [
            Eigenpair(self.problem, value.item(), float(residual), float(estimate), function)
            for value, residual, estimate, function in rows
        ]

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Eigenpair]:
        return iter(self._pairs)

    def __getitem__(self, number: int) -> Eigenpair:
        return self._pairs[number]

    @property
    def verdict(self) -> Verdict:
        """The worst of all pairs, with the reasons of each."""
        judged = [(k, pair.verdict) for k, pair in enumerate(self._pairs, 1)]
        words = (NOT_SOLVED, DOUBTFUL, SOLVED)
        worst = min((words.index(v.word) for _, v in judged), default=2)
        return Verdict(words[worst], tuple(f"pair {k}: {reason}" for k, v in judged for reason in v.reasons))

    def record(self) -> dict[str, Any]:
        """JSON-ready: each pair with its value, residual, estimate and verdict."""
        return {
            "problem": self.problem.name,
            "method": self.method,
            "eigenvalue": self._name,
            "pairs": [
                {
                    "value": [pair.value.real, pair.value.imag] if isinstance(pair.value, complex) else pair.value,
                    "residual": pair.residual,
                    "estimate": pair.estimate if np.isfinite(pair.estimate) else None,
                    "verdict": pair.verdict.word,
                }
                for pair in self._pairs
            ],
            "verdict": self.verdict.as_dict(),
            "seconds": {"total": self.seconds},
            "choices": list(self.spectrum.choices),
        }

    @property
    def _name(self) -> str:
        assert self.problem.eigenvalue is not None
        return self.problem.eigenvalue.name

    @usage("pairs.to_xarray(x=50, y=50)", name="pairs.to_xarray")
    def to_xarray(self, **axes) -> "xarray.Dataset":
        """A Dataset of all eigenfunctions on a grid, along `pair`, beside the eigenvalues; NaN outside the domain.

        axes   a number of equidistant nodes, or the nodes, for each coordinate
        """
        import xarray

        names = [c.name for c in self.problem.coordinates]
        if set(axes) != set(names):
            raise ProblemError(f"`pairs.to_xarray` needs each of the coordinates {', '.join(names)} once; name all.")
        nodes = {}
        for name, (low, high) in zip(names, self.problem.domain.bounds, strict=True):
            wanted = axes[name]
            nodes[name] = np.linspace(low, high, wanted) if isinstance(wanted, int) else np.asarray(wanted, float)
        mesh = dict(zip(names, np.meshgrid(*nodes.values(), indexing="ij"), strict=True))
        data: dict[str, Any] = {self._name: (["pair"], self.values)}
        for u in self.problem.unknowns:
            values = np.stack([pair(u, **mesh) for pair in self._pairs])
            data[u.func.__name__] = (["pair", *names], values)
        return xarray.Dataset(data, nodes, {"problem": self.problem.name, "method": self.method})

    def __str__(self):
        head = f"{len(self)} eigenpairs of {self.problem.name} by {self.method} in {self.seconds:.1f} s"
        lines = [head, f"verdict    {self.verdict.word}"]
        for pair in self._pairs:
            value = f"{pair.value:.12g}"
            lines.append(f"{self._name:<11}{value:<22}  error {pair.estimate:.0e}, residual {pair.residual:.0e}")
        lines += [f"doubt      {reason}" for reason in self.verdict.reasons]
        return "\n".join(lines + [f"chosen     {sentence}" for sentence in self.spectrum.choices])

    def __repr__(self):
        return f"<{len(self)} eigenpairs of {self.problem.name}: {self.verdict.word}>"
