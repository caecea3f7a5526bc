"""A rynxs sink that keeps the log in one LMDB file."""

__version__ = "0.1.0"
