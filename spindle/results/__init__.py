"""What a solve returns: a model that can be evaluated and measured, the record of its run, and its verdict."""
