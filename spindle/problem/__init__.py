"""What is solved: symbols, operators, domains, conditions and the problem itself (SymPy and NumPy, no JAX)."""
