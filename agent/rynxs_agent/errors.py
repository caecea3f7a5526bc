"""What may be wrong, each told in one clear sentence."""

from __future__ import annotations


class AgentError(Exception):
    """Something that this runtime tells whoever runs it, or the model."""


class ConfigurationError(AgentError):
    """The pod is not as rynxs renders it, or a setting is not acceptable; nothing can run."""


class ToolError(AgentError):
    """A tool can't do what it was asked for; the model is told, and the run goes on."""
