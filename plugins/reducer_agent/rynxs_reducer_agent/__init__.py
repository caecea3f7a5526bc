"""The Agent kind: its spec, and the reducer that folds its events into state."""

__version__ = "0.2.0"
