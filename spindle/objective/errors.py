"""Distances between a computed and a reference field."""

import numpy as np


def error_measures(values: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Relative L2, root mean square and largest error over the points where the reference is finite.

    The relative error is the plain `||u - u_ref|| / ||u_ref||` over the points; where the reference vanishes
    everywhere it equals the absolute norm.
    """
    known = np.isfinite(reference)
    gap, size = (values - reference)[known], np.linalg.norm(reference[known])
    with np.errstate(over="ignore", invalid="ignore"):  # a field on its way to divergence has an infinite error
        return {
            "rel_l2": float(np.linalg.norm(gap) / (size if size > 0 else 1.0)),
            "rmse": float(np.sqrt(np.mean(np.abs(gap) ** 2))),
            "max": float(np.max(np.abs(gap))),
        }
