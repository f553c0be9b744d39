"""Error against time, one line a row of a comparison."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def write_curves(path: Path, curves: Mapping[str, Sequence[tuple[float, float]]], levels: Mapping[str, float]) -> Path:
    """A picture of relative L2 errors against seconds of training.

    curves   {label: (seconds, error) pairs}
    levels   {label: the error of the classical solution of the same discrete equations}, drawn dashed
    """
    figure = Figure(figsize=(7.5, 4.5), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for label, pairs in curves.items():
        (line,) = axes.loglog(*zip(*pairs, strict=True), "o-", markersize=3, label=label)
        if label in levels:
            axes.axhline(levels[label], color=line.get_color(), linestyle="--", linewidth=0.8)
    axes.set(xlabel="seconds of training", ylabel="relative L2 error")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return path
