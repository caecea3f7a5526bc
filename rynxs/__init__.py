"""rynxs: a Kubernetes operator for AI agents that is deterministic, replayable and auditable."""

__version__ = "0.1.0"
