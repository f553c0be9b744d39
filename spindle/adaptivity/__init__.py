"""How a model is refined while it is trained, and what it starts from."""
