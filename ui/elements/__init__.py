"""Elements: components of our own, a Python file beside its script and its style."""
