"""Derivatives of separable fields on tensor grids, and sums that need no grid."""
