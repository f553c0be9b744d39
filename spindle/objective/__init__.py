"""Residuals as named, weighted least squares; balancing of their weights; error measures."""
