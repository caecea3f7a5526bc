"""ML-DSA-44 cosignatures for rynxs checkpoints."""

__version__ = "0.1.0"
