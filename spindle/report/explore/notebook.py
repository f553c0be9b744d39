"""`widget`: a solution or a family in a notebook, a slider for all that is not on the axes of its picture."""

import io
from html import escape
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from spindle.errors import ProblemError, RunError
from spindle.problem.families import family_parameters
from spindle.report.canvas import limits
from spindle.report.explore.queries import Slider
from spindle.report.plot import Drawing
from spindle.results.solution import Solution
from spindle.symbolic.symbols import is_time

_DPI, _SIZE = 100, (6.0, 4.2)  # inches


def widget(solution: Solution) -> Any:
    """An ipywidgets box: the picture, sliders, what is known of a member. Raises RunError without ipywidgets."""
    try:
        import ipywidgets
    except ImportError as error:
        raise RunError(
            f"`solution.explore()` shows its sliders by the package `{error.name}`, which is not installed; "
            f"`pip install 'spindle-pinn[explore]'` brings it."
        ) from error
    view = View(solution)
    sliders = {s.name: _slider(ipywidgets, s) for s in view.sliders}
    field = ipywidgets.Dropdown(options=list(view.fields), description="field")
    image, facts = ipywidgets.Image(format="png"), ipywidgets.HTML()

    def redraw(_=None) -> None:
        at = {name: slider.value for name, slider in sliders.items()}
        image.value = view.picture(field.value, at)
        facts.value = view.facts(at)

    for moved in (field, *sliders.values()):
        moved.observe(redraw, "value")
    redraw()
    chosen = [field] if len(view.fields) > 1 else []
    return ipywidgets.HBox([image, ipywidgets.VBox([*chosen, *sliders.values(), facts])])


def _slider(ipywidgets, slider: Slider):
    return ipywidgets.FloatSlider(
        value=slider.start,
        min=slider.low,
        max=slider.high,
        step=slider.step,
        description=slider.name,
        readout_format=".4g",
    )


class View:
    """What a notebook shows of a solution.

    shown     names of the coordinates on the axes of the picture: one or two of space, or time where it is alone
    sliders   of all other coordinates and of the parameters
    fields    names of unknowns and quantities
    """

    def __init__(self, solution: Solution):
        problem = solution.posed
        parameters = {p.name for p in family_parameters(problem)}
        free = [c for c in problem.coordinates if c.name not in parameters]
        space = [c.name for c in free if not is_time(c)]
        self.solution, self.shown, self.fields = solution, tuple(space[:2] or [free[0].name]), list(problem.fields)
        bounds = zip(problem.coordinates, problem.domain.bounds, strict=True)
        self.sliders = tuple(Slider(c.name, *ends) for c, ends in bounds if c.name not in self.shown)
        self._parameters = parameters
        self._seen: dict[str, list[tuple[float, float]]] = {name: [] for name in self.fields}

    def picture(self, field: str, at: dict[str, float]) -> bytes:
        """A PNG of a field where the sliders stand, on a scale that holds all that was shown before."""
        figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
        FigureCanvasAgg(figure)
        drawing = Drawing(self.solution, field, "computed", at)
        self._seen[field].append(drawing.ends)
        ends = limits([np.array(self._seen[field])])
        drawing.onto([figure.add_subplot()], ends)
        content = io.BytesIO()
        figure.savefig(content, format="png")
        return content.getvalue()

    def facts(self, at: dict[str, float]) -> str:
        """The estimated error of a member, and its error where it has a reference, as HTML."""
        parameters = {name: at[name] for name in at if name in self._parameters}
        if not parameters:
            return ""
        member, said = self.solution(**parameters), []
        if np.isfinite(member.estimate):
            said.append(("estimated relative error", f"{member.estimate:.1e}"))
        try:
            said.append(("error against the reference", f"{member.error():.1e}"))
        except ProblemError:  # this member has no reference
            said.append(("error against the reference", "no reference"))
        return "<br>".join(f"{escape(name)}: <b>{escape(value)}</b>" for name, value in said)
