"""Optimizers: each is data (its settings) with `start` and `step`, over a loss given as a function."""
