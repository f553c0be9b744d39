"""The papers' tables as typed recipes: what `spindle bench` runs."""
