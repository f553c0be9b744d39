"""How wrong a solution is, told from the equations alone: one way of finding out a file."""
