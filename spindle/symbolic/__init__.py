"""The letters of a problem: symbols, operators, functions and coefficients, and what keeps SymPy within bounds."""
