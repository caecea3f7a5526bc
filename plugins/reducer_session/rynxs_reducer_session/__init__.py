"""The Session kind: one bounded run of an agent, and the phases it goes through."""

__version__ = "0.1.0"
