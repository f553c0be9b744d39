"""The classical solution of the same discrete equations, and training towards it."""
