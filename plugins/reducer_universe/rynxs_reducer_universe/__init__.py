"""The Universe kind: policies and quotas over the agents and sessions of namespaces."""

__version__ = "0.1.0"
