"""The tools that a model may be offered."""
