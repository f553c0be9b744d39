"""The page of a family: widgets and pictures of Bokeh around an `Explorer`."""

from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader

from spindle.errors import ProblemError
from spindle.problem.formulas import formulas
from spindle.report.explore.queries import Answer, Explorer, Slider, facts
from spindle.report.html import judgement

# The files of Bokeh that the page uses; the server offers them from the installed package.
SCRIPTS = ("static/js/bokeh.min.js", "static/js/bokeh-widgets.min.js")
_PAUSE = 10  # milliseconds in which further movements of a slider are gathered into one redrawing
_REST = 300  # milliseconds without movement after which the error is measured, which can take longer than drawing
_INK, _SOFT, _LINE, _EMPTY = "#23282e", "#5c6670", "#dde1e6", "#eff1f4"
_BLUE = "#2f7fc1"
_FONT = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica Neue, Arial, sans-serif"
_HEIGHT = 330
_AXIS = {
    "major_tick_line_color": _SOFT,
    "minor_tick_line_color": None,
    "axis_label_text_font": _FONT,
    "axis_label_text_font_style": "normal",
    "axis_label_text_font_size": "14px",
    "axis_label_text_color": _INK,
    "major_label_text_font": _FONT,
    "major_label_text_font_size": "12px",
    "major_label_text_color": _SOFT,
}
_WIDGETS = f"""
:host {{ font: 15px/1.45 {_FONT}; color: {_INK}; }}
.noUi-handle {{ cursor: grab; border-color: #8b939c; }}
.noUi-handle:focus {{ outline: 2px solid {_BLUE}; outline-offset: 1px; }}
.bk-slider-title {{ font-size: 15px; margin-bottom: 4px; }}
.bk-slider-value {{ font-weight: 600; font-variant-numeric: tabular-nums; }}
select.bk-input {{ font: inherit; }}
"""
_FACTS = f"""
:host {{ font: 15px/1.45 {_FONT}; color: {_INK}; }}
.bk-clearfix {{ width: 100%; }}
dl {{ display: grid; gap: 1px 0; margin: 0; font-variant-numeric: tabular-nums; }}
div.fact {{ display: flex; justify-content: space-between; gap: 12px; white-space: nowrap; }}
dt {{ color: {_SOFT}; }}
dd {{ margin: 0; text-align: right; font-weight: 600; }}
dd.words {{ font-weight: 400; }}
"""


def fill(document, explorer: Explorer) -> None:
    """Put the page of a family into a Bokeh document."""
    widgets, pictures = _Widgets(explorer), _Pictures(explorer)
    document.title = explorer.title
    document.template = _template()
    document.template_variables.update(_words(explorer))
    for root in (widgets.controls, widgets.facts, *pictures.figures):
        document.add_root(root)
    _Wiring(document, explorer, widgets, pictures).start()


def _template():
    return Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=False).get_template("page.html")


def _words(explorer: Explorer) -> dict[str, Any]:
    """{name: text} that the template shows; the sliders say over what parameters range."""
    problem = explorer.solution.given
    parts = formulas(problem)
    if all(p.bounds for p in problem.parameters):
        parts.pop("parameters", None)
    return {
        "scripts": SCRIPTS,
        "subtitle": explorer.subtitle,
        "verdict": judgement(explorer.solution),
        "bad": explorer.solution.verdict.word == "not solved",
        "formulas": parts,
        "lined": explorer.lined,
    }


class _Widgets:
    """Sliders, choices and numbers.

    sliders    by the name of what they choose
    unknown    which unknown is drawn; None where there is one
    listed     the members with a tabulated reference to jump to; None where there are none
    """

    def __init__(self, explorer: Explorer):
        from bokeh.layouts import column
        from bokeh.models import InlineStyleSheet
        from bokeh.models.widgets import Div

        self.sliders = {s.name: _slider(s) for s in explorer.sliders}
        self.unknown = _choice("unknown", list(explorer.unknowns)) if len(explorer.unknowns) > 1 else None
        self.members = explorer.listed
        names = ["choose …", *(_member_name(m) for m in self.members)]
        self.listed = _choice("go to a member with a reference", names) if self.members else None
        shown = [w for w in (self.unknown, *self.sliders.values(), self.listed) if w is not None]
        self.controls = column(*shown, name="controls", sizing_mode="stretch_width", spacing=4)
        sheet = InlineStyleSheet(css=_FACTS)
        self.facts = Div(name="facts", sizing_mode="stretch_width", margin=0, stylesheets=[sheet])

    @property
    def chosen(self) -> dict[str, float]:
        """Where the sliders stand."""
        return {name: slider.value for name, slider in self.sliders.items()}

    def tell(self, answer: Answer, error: float | None, *, measured: bool) -> None:
        """Show what is known of a member."""
        self.facts.text = facts_html(facts(answer, error, measured=measured))

    def refuse(self, sentence: str) -> None:
        """Say why nothing was drawn."""
        self.facts.text = f"<p>{escape(sentence)}</p>"


class _Pictures:
    """The picture of a member and, where there is time, its lines at some times; `figures` are both.

    plane, lines   the data that are drawn
    """

    def __init__(self, explorer: Explorer):
        from bokeh.models import ColumnDataSource, LinearColorMapper, Range1d
        from bokeh.palettes import Viridis256

        self.explorer = explorer
        self.mapper = LinearColorMapper(palette=Viridis256, low=0, high=1, nan_color=_EMPTY)
        self.range = Range1d(start=0, end=1)
        self.plane, self.lines = ColumnDataSource(), ColumnDataSource()
        self.named: list[tuple[Any, str]] = []  # where the name of the unknown is written
        self.figures = [self._plane() if len(explorer.axes) == 2 else self._line()]
        self.figures += [self._lines()] if explorer.lined else []

    def show(self, unknown: str, answer: Answer) -> None:
        """Draw another member."""
        for model, attribute in self.named:
            setattr(model, attribute, unknown)
        low, high = self.explorer.limits[unknown]
        self.mapper.update(low=low, high=high)
        self.range.update(start=low - 0.05 * (high - low), end=high + 0.05 * (high - low))
        self.plane.data = image_data(self.explorer, answer)
        if self.explorer.lined:
            self.lines.data = line_data(self.explorer, answer)

    def _plane(self):
        from bokeh.models import BasicTicker, ColorBar, HoverTool

        horizontal, vertical = self.explorer.axes
        figure = _figure("picture", self.explorer, horizontal, vertical)
        if not self.explorer.lined:
            figure.update(**_box(self.explorer))
        (left, right), (low, high) = (self.explorer.bounds[name] for name in self.explorer.axes)
        half = [0.5 * (n[1] - n[0]) for n in self.explorer.nodes]  # each node in the middle of its pixel
        place = {
            "x": left - half[0],
            "dw": right - left + 2 * half[0],
            "y": low - half[1],
            "dh": high - low + 2 * half[1],
        }
        image = figure.image("image", source=self.plane, color_mapper=self.mapper, level="image", **place)
        tips = [(horizontal, "$x{0.000}"), (vertical, "$y{0.000}"), ("value", "@image{0.0000}")]
        figure.add_tools(HoverTool(renderers=[image], tooltips=tips))
        bar = ColorBar(color_mapper=self.mapper, width=12, ticker=BasicTicker(desired_num_ticks=6), padding=8)
        bar.update(major_label_text_font=_FONT, major_label_text_color=_SOFT, major_label_text_font_size="12px")
        figure.add_layout(bar, "right")
        figure.title.update(text_font=_FONT, text_font_style="normal", text_font_size="14px", text_color=_INK)
        self.named.append((figure.title, "text"))
        return figure

    def _line(self):
        from bokeh.models import HoverTool

        figure = _figure("picture", self.explorer, self.explorer.axes[0], None, self.range)
        line = figure.line("nodes", "values", source=self.plane, line_width=2.5, color=_BLUE)
        tips = [(self.explorer.axes[0], "@nodes{0.000}"), ("value", "@values{0.0000}")]
        figure.add_tools(HoverTool(renderers=[line], tooltips=tips, mode="vline"))
        self.named.append((figure.yaxis[0], "axis_label"))
        return figure

    def _lines(self):
        from bokeh.models import Legend, LegendItem
        from bokeh.palettes import Viridis256

        figure = _figure("lines", self.explorer, self.explorer.axes[1], None, self.range)
        items = []
        names = self.explorer.times
        for k, name in enumerate(names):
            colour = Viridis256[round(k * 215 / max(1, len(names) - 1))]  # without the yellow, which is hard to see
            line = figure.line("nodes", f"line{k}", source=self.lines, line_width=2.5, color=colour)
            items.append(LegendItem(label=name, renderers=[line]))
        legend = Legend(items=items, border_line_color=None, label_text_font=_FONT, label_text_color=_INK)
        legend.update(label_text_font_size="13px", padding=0, margin=10, background_fill_color=None)
        figure.add_layout(legend, "right")
        self.named.append((figure.yaxis[0], "axis_label"))
        return figure


class _Wiring:
    """Draws anew when a widget has moved: at most once for all movements that came in the meantime."""

    def __init__(self, document, explorer: Explorer, widgets: _Widgets, pictures: _Pictures):
        self.document, self.explorer, self.widgets, self.pictures = document, explorer, widgets, pictures
        self._drawing: Any = None
        self._measuring: Any = None

    def start(self) -> None:
        """Draw the first member, and listen."""
        self._draw()
        for widget in (*self.widgets.sliders.values(), self.widgets.unknown):
            if widget is not None:
                widget.on_change("value", self._moved)
        if self.widgets.listed is not None:
            self.widgets.listed.on_change("value", self._jump)

    def _moved(self, attribute, old, new) -> None:
        if self._drawing is None:
            self._drawing = self.document.add_timeout_callback(self._draw, _PAUSE)

    def _jump(self, attribute, old, new) -> None:
        for member in self.widgets.members:
            if _member_name(member) == new:
                for name, value in member.items():
                    self.widgets.sliders[name].value = value

    def _draw(self) -> None:
        """Show the member that is chosen now, and measure its error later if nothing moves."""
        self._drawing = None
        chosen, unknown = self.widgets.chosen, self._unknown
        if self._measuring is not None:
            self.document.remove_timeout_callback(self._measuring)
            self._measuring = None
        try:
            answer = self.explorer.ask(unknown, chosen)
        except ProblemError as error:
            self.widgets.refuse(str(error))
            return
        self.pictures.show(unknown, answer)
        self.widgets.tell(answer, None, measured=False)
        self._measuring = self.document.add_timeout_callback(lambda: self._measure(answer, chosen), _REST)

    def _measure(self, answer: Answer, chosen: dict[str, float]) -> None:
        self._measuring = None
        self.widgets.tell(answer, self.explorer.error(chosen), measured=True)

    @property
    def _unknown(self) -> str:
        chooser = self.widgets.unknown
        return next(iter(self.explorer.unknowns)) if chooser is None else chooser.value


def image_data(explorer: Explorer, answer: Answer) -> dict[str, Any]:
    """The data of the first picture for Bokeh, in single precision: a screen shows less."""
    if len(explorer.axes) == 2:
        return {"image": [np.asarray(answer.values, np.float32)]}
    return {"nodes": explorer.nodes[0], "values": answer.values}


def line_data(explorer: Explorer, answer: Answer) -> dict[str, np.ndarray]:
    """The data of the picture of lines at some times, for Bokeh."""
    lines = {f"line{k}": answer.values[:, column] for k, column in enumerate(explorer.times.values())}
    return {"nodes": explorer.nodes[1]} | lines


def facts_html(known: dict[str, str]) -> str:
    """The facts on a member as an HTML list; words are set lighter than numbers."""
    rows = [
        f'<div class="fact"><dt>{escape(name)}</dt>'
        f"<dd{' class=words' if value.startswith('no ') else ''}>{escape(value)}</dd></div>"
        for name, value in known.items()
    ]
    return f"<dl>{''.join(rows)}</dl>"


def _member_name(member: dict[str, float]) -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in member.items())


def _slider(slider: Slider):
    from bokeh.models import InlineStyleSheet
    from bokeh.models.widgets import Slider as Widget

    # The value has as many digits as the step, and three more for members between the steps.
    digits = max(0, -int(np.floor(np.log10(slider.step)))) + 3
    return Widget(
        title=f"{slider.name} ({slider.low:.4g} to {slider.high:.4g})",
        start=slider.low,
        end=slider.high,
        step=slider.step,
        value=slider.start,
        format="0.[" + "0" * digits + "]",
        tooltips=False,
        bar_color=_BLUE,
        margin=(0, 0, 10, 0),
        sizing_mode="stretch_width",
        stylesheets=[InlineStyleSheet(css=_WIDGETS)],
    )


def _choice(title: str, options: list):
    from bokeh.models import InlineStyleSheet
    from bokeh.models.widgets import Select

    sheet = InlineStyleSheet(css=_WIDGETS)
    shape: Any = {"margin": 0, "sizing_mode": "stretch_width", "stylesheets": [sheet]}
    return Select(title=title, options=options, value=options[0], **shape)


def _figure(name: str, explorer: Explorer, horizontal: str, vertical: str | None, values=None):
    """Empty axes over the bounds of their coordinates, or over the values of the unknown."""
    from bokeh.plotting import figure

    made = figure(
        name=name,
        height=_HEIGHT,
        sizing_mode="stretch_width",
        tools="",
        toolbar_location=None,
        x_range=_range(explorer.bounds[horizontal]),
        y_range=_range(explorer.bounds[vertical]) if vertical else values,
        x_axis_label=horizontal,
        y_axis_label=vertical or "",
        background_fill_color=_EMPTY if vertical else None,
        border_fill_color=None,
        outline_line_color=None,
        min_border_left=50,
        min_border_right=16,
    )
    for grid in made.grid:
        grid.grid_line_color = None if vertical else _LINE
    for axis in made.axis:
        axis.update(axis_line_color=None if vertical else _SOFT, **_AXIS)
    return made


def _box(explorer: Explorer) -> dict[str, Any]:
    """The shape of a picture over two lengths: equal units, unless the plane is too slender."""
    wide, high = (explorer.bounds[name][1] - explorer.bounds[name][0] for name in explorer.axes)
    ratio = wide / high if 0.5 < wide / high < 2 else 1.5
    height = 560
    width = round((height - 70) * ratio) + 130  # beside and below the plane: the numbers of the axes, the scale
    return {"sizing_mode": "scale_width", "aspect_ratio": width / height, "max_width": width}


def _range(ends: tuple[float, float]):
    from bokeh.models import Range1d

    return Range1d(start=ends[0], end=ends[1])
