"""Solutions in pickles, and so in joblib and between processes: the files of a run directory, held in memory.

A plan holds compiled programs, which no pickle can take along. What is unpickled is made as `load` makes it.
"""

import copyreg
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from sympy.core.function import AppliedUndef

from spindle.methods.base import Method
from spindle.results.solution import Solution
from spindle.solving.load import load
from spindle.symbolic.symbols import is_given


def _reduced(solution: Solution):
    """How a solution is rebuilt: its files, the functions of `sp.given`, and the method as it was handed in."""
    with tempfile.TemporaryDirectory() as folder:
        root = solution.save(Path(folder) / "run")
        files = {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*.*")) if p.name != ".lock"}
    coded = {f.func for e in solution.given.expressions() for f in e.atoms(AppliedUndef) if is_given(f)}
    given = {function.__name__: function.given for function in coded}
    return _restored, (files, given, solution.method)


def _restored(files: Mapping[str, bytes], given: Mapping[str, Callable], method: Method) -> Solution:
    """The solution whose files these are."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder) / "run" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return load(Path(folder) / "run", given).with_method(method)


copyreg.pickle(Solution, _reduced)
