"""The reference agent runtime of rynxs: what runs in the pods of agents and sessions."""

__version__ = "0.1.0"
