"""Ed25519 signatures for rynxs checkpoints."""

__version__ = "0.1.0"
