"""Files: written whole or not at all, read within limits, by one writer at a time."""
