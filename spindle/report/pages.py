"""`Pages`: who draws for `Solution`. What it calls is loaded when it is called: Matplotlib and templates take long."""

from pathlib import Path
from typing import Any

from spindle.results.presenter import Presenter, present_by


class Pages(Presenter):
    """Pictures by Matplotlib, reports by Jinja, widgets by ipywidgets."""

    def plot(self, fields, expression, show: str, axes, at) -> Any:
        """Draw an expression of a `Presented`; returns Axes."""
        from spindle.report.plot import plot

        return plot(fields, expression, show, axes, at)

    def report(self, solution, path) -> Path:
        """Write the report of a solution as one HTML file and return its path."""
        from spindle.report.html import write_report

        return write_report(solution, path)

    def explore(self, solution) -> Any:
        """A widget for notebooks."""
        from spindle.report.explore.notebook import widget

        return widget(solution)


present_by(Pages())
