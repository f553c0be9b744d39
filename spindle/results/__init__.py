"""Results: a model evaluated and measured, and the record of the run that it came from."""
