"""Renders an agent as ConfigMap, PersistentVolumeClaim, NetworkPolicy and Deployment."""

__version__ = "0.1.0"
