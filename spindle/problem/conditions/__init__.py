"""Conditions, one kind a file: what is known of the unknowns on the boundary, at the start, at points."""
