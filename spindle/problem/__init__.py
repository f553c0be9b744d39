"""What is solved: equations, conditions, families, windows, references, and what is known of a problem beforehand."""
