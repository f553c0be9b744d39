"""What is said at the end of a solve: one line a matter, the same on a terminal, in Python and in a notebook."""

import html
from collections.abc import Mapping

from spindle.storage.records import ClassicalComparison, ErrorEstimate
from spindle.visible import visible

LABEL = 11  # columns that a label takes


def summary(solution) -> list[tuple[str, str]]:
    """(label, sentence) pairs on a solution, the first without a label: what it is, how good, how it came about."""
    run, seconds = solution.run, solution.run.seconds
    lines = [("", f"{solution.problem.title or solution.problem.name} by {solution.method_name}")]
    lines.append(("verdict", str(solution.verdict)))
    lines += [
        ("error", f"{name}: {error_in_words(error)}, {error['max']:.1e} at most") for name, error in run.errors.items()
    ]
    if run.error_estimate:
        lines.append(("estimated", estimate_in_words(run.error_estimate)))
    elif run.accumulated and None not in run.accumulated.values():
        lines.append(("estimated", accumulated_in_words(run.accumulated)))
    if run.classical:
        lines.append(("classical", classical_in_words(run.classical)))
    if run.estimated:
        lines.append(("parameters", ", ".join(map(" = ".join, estimated_in_words(run)))))
    if run.residuals:
        residuals = ", ".join(f"{name} {rms:.1e}" for name, rms in run.residuals.items())
        lines.append(("residuals", f"{residuals} (on fresh points)"))
    lines += _over_time(run)
    lines.append(("loss", f"{run.loss:.1e} after {run.iterations} steps, stopped by {run.stopped_by}"))
    parts = ", ".join(f"{k} {v:.1f}" for k, v in seconds.as_dict().items() if k != "total")
    lines.append(("seconds", f"{seconds.total:.1f} ({parts})"))
    lines += [("chosen", choice) for choice in solution.choices]
    return lines + [("warning", warning) for warning in run.warnings]


def as_text(lines) -> str:
    """The pairs as lines of text."""
    return "\n".join(f"{label:<{LABEL}}{visible(text)}" if label else visible(text) for label, text in lines)


def as_html(lines) -> str:
    """The pairs as a table, for notebooks."""
    (_, title), *rest = lines
    cell = 'style="text-align:left;vertical-align:top;padding:1px 12px 1px 0"'
    rows = "".join(
        f"<tr><td {cell}><b>{html.escape(label)}</b></td><td {cell}>{html.escape(text)}</td></tr>"
        for label, text in rest
    )
    return f"<div><b>{html.escape(title)}</b><table>{rows}</table></div>"


def error_in_words(measures: Mapping) -> str:
    """The error of one unknown: relative, or absolute where its reference is zero everywhere."""
    if measures["rel_l2"] is None:
        return f"{measures['rmse']:.1e} absolute (root mean square; the reference is zero)"
    return f"{measures['rel_l2']:.1e} relative L2"


_GROWS = ", as small errors grow as fast as it does"
_OPEN = ", without what the measurements leave open of the parameters"


def estimate_in_words(estimate: ErrorEstimate) -> str:
    """What `spindle.solving.estimates.error_estimate` returned, in one line."""
    if estimate.errors is None or estimate.left is None:
        return f"no error: {estimate.reason}"
    errors = ", ".join(f"{name} {value:.1e}" for name, value in estimate.errors.items())
    known = ("at least " if estimate.left < 1 else "perhaps ") if estimate.bound else ""
    unseen = f", which explains {1 - min(estimate.left, 1):.0%} of the residuals only" if estimate.left else _GROWS
    why = "" if not estimate.bound else _OPEN if estimate.noise else unseen
    if estimate.upper is not None:
        why += f" and might be {', '.join(f'{name} {value:.0e}' for name, value in estimate.upper.items())}"
    how = estimate.by or "the equations for the error"
    accuracy = f", itself exact to {estimate.comparison_error:.0e}" if estimate.comparison_error is not None else ""
    return f"error {known}{errors} relative L2{why}, by {how}{accuracy} ({estimate.seconds:.1f} s)"


def accumulated_in_words(accumulated: Mapping[str, float]) -> str:
    """What the residuals of a march add up to, in one line."""
    errors = ", ".join(f"{name} {value:.1e}" for name, value in accumulated.items())
    return f"error {errors} relative L2, what residuals add up to as the equations carry them on"


def estimated_in_words(run) -> list[tuple[str, str]]:
    """The parameters that were estimated: (name, value, with its standard deviation where that is known)."""
    deviations = run.error_estimate.parameters or {}
    after = {name: f" ± {deviation:.2g}" for name, deviation in deviations.items()}
    return [(name, f"{value:.6g}{after.get(name, '')}") for name, value in run.estimated.items()]


def classical_in_words(classical: ClassicalComparison) -> str:
    """One line on the classical solution of the same discrete equations."""
    if classical.errors is None or classical.distance is None:
        return f"none, {classical.reason}"
    errors = "".join(f"{name} {m['rel_l2']:.1e} relative L2, " for name, m in classical.errors.items())
    apart = ", ".join(f"{name} {value:.1e}" for name, value in classical.distance.items())
    note = f" ({classical.note})" if classical.note is not None else ""
    beside = f"from the network {apart}" if apart else "zero everywhere"
    return f"{errors}{classical.seconds:.2f} s; {beside}{note}"


def _over_time(run) -> list[tuple[str, str]]:
    """Lines on windows in time, and on the means over space."""
    lines = []
    if run.windows:
        jumps = [jump for window in run.windows for jump in window.seam.values() if jump is not None]
        worst = f", jumps of at most {max(jumps):.1e} (relative L2) where they meet" if jumps else ""
        lines.append(("windows", f"{len(run.windows)}{worst}"))
    ends = " to {:.4g}" if "t" in run.averages else ""
    means = [
        f"{name} {values[0]:.4g}" + ends.format(values[-1]) for name, values in run.averages.items() if name != "t"
    ]
    if means:
        said = ", ".join(means)
        lines.append(("means", f"{said} (over space{', from start to end' if ends else ''})"))
    return lines
