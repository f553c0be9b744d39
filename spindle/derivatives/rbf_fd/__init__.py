"""Derivatives on scattered nodes: weights of differences, sparse products, and residuals at the nodes."""
