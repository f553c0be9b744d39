"""Empirical cubature: few points with positive weights that integrate what is to be integrated."""

import numpy as np
from scipy.optimize import nnls


def empirical_cubature(functions: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices (n,) and weights (n,) of sum one, n <= `count`, such that weighted sums are close to means.

    functions   values (f, N) at N candidate points of the functions whose means matter

    The constant and the leading singular vectors of the functions are matched by non-negative least squares, whose
    solution has at most as many points as there are conditions. Cost O(f N min(f, N)).
    Source: Farhat, Chapman & Avery (2015), Int. J. Numer. Methods Eng. 102; Hernandez, Caicedo & Ferrer (2017), CMAME
    313.
    """
    points = functions.shape[1]
    right = np.linalg.svd(functions, full_matrices=False)[2][: count - 1]
    conditions = np.concatenate([np.full((1, points), points**-0.5), right])
    weights, _ = nnls(conditions, conditions.mean(axis=1))
    indices = np.flatnonzero(weights)
    return indices, weights[indices] / weights[indices].sum()


def integrating(residual: np.ndarray, slopes: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points that integrate J^T J and J^T r of all members: residual (q, N), slopes (q, N, n_a)."""
    a, b = np.triu_indices(slopes.shape[2])
    products = slopes[:, :, a] * slopes[:, :, b]
    gradients = slopes * residual[:, :, None]
    gradients *= np.linalg.norm(products) / max(np.linalg.norm(gradients), np.finfo(float).tiny)
    functions = np.concatenate([products, gradients], axis=2).transpose(0, 2, 1).reshape(-1, residual.shape[1])
    return empirical_cubature(functions, count)
