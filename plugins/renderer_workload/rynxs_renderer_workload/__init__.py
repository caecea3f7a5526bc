"""Renders agents and sessions as the Kubernetes objects that run them and confine them."""

__version__ = "0.2.0"
