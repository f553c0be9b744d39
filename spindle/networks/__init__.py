"""How u is parametrised: bodies, embeddings, fields, and the jets they are evaluated on (Equinox modules)."""
