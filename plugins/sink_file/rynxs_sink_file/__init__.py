"""A rynxs sink that keeps the log in segments under a directory."""

__version__ = "0.1.0"
