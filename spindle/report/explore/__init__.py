"""A page on this machine that shows a solved family, with a slider for each parameter."""
