"""Renders an agent's pod as a Sandbox, in the place of the workload renderer's Deployment."""

__version__ = "0.1.0"
