"""The record of a solution: what the command line prints as JSON, and run directories keep."""

from spindle.methods.registry import label, settings_in_words

_IF_ANY = ("error_estimate", "accumulated", "classical", "windows", "reached", "averages")


def record_of(solution) -> dict:
    """The run of a solution as one JSON-ready object."""
    run = solution.run.to_data()
    return {
        "problem": solution.problem.name,
        "method": label(solution.method),
        "recipe": solution.method.recipe,
        "seed": run["seed"],
        "device": run["device"],
        "dtype": solution.plan.dtype,
        "parameters": solution.size,
        "values": solution.parameters,
        "iterations": run["iterations"],
        "stopped_by": run["stopped_by"],
        "errors": run["errors"],
        "loss": run["loss"],
        "residuals": run["residuals"],
        **{n: run[n] for n in _IF_ANY if run[n]},
        **({"estimates": solution.run.estimates} if solution.run.estimates else {}),
        "verdict": solution.verdict.as_dict(),
        "warnings": run["warnings"],
        "seconds": solution.run.seconds.as_dict(),
        "peak_memory_bytes": run["peak_memory_bytes"],
        "settings": settings_in_words(solution.plan.settings),
        "choices": solution.choices,
        **({"reduction": solution.reduced.facts} if solution.reduced else {}),
        "chosen": list(solution.method.chosen),
        "versions": run["versions"],
    }
