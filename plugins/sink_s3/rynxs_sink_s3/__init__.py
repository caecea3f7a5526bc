"""A rynxs sink that keeps the log in a bucket of an S3 server, fenced by conditional writes."""

__version__ = "0.1.0"
