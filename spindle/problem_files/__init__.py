"""Problem files: a problem and its data as text, read without ever running any of it."""
