"""The mounted spec: what this runtime needs of it. Members that it does not know are left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from rynxs_agent.errors import ConfigurationError
from rynxs_agent.problems import problems_of

if TYPE_CHECKING:
    from pathlib import Path

_SPEC_SIZE_MAX = 1024 * 1024
"""A ConfigMap is not larger."""


class _Member(BaseModel):
    """A part of the spec: its types are exact, and a later rynxs may say more than is read here."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="ignore", frozen=True, populate_by_name=True, strict=True
    )


class Health(_Member):
    """Where rynxs lets Kubernetes ask how the agent is."""

    path: str = Field(pattern=r"^/")
    port: int = Field(ge=1, le=65_535)


class Image(_Member):
    """The image; only where it tells its health is of interest here."""

    health: Health | None = None


class ProviderSpec(_Member):
    """The model provider."""

    kind: str
    base_url: str = Field(pattern=r"^https?://[^\s]+$")
    model: str = Field(min_length=1)


class Tools(_Member):
    """The tools that the agent is offered: names, or prefixes that end in ``*``."""

    allow: tuple[str, ...] = ()


class Network(_Member):
    """What the agent may connect to, beside DNS."""

    allow_egress_to: tuple[str, ...] = ()


class AgentSpec(_Member):
    """The spec that is in force, as rynxs mounts it."""

    role: str
    team: str | None = None
    image: Image = Image()
    provider: ProviderSpec | None = None
    tools: Tools = Tools()
    network: Network = Network()


def read_spec(path: Path) -> AgentSpec:
    """Return the mounted spec.

    Raises:
        ConfigurationError: it can't be read, or is not as rynxs renders it.
    """
    try:
        with path.open("rb") as file:
            document = file.read(_SPEC_SIZE_MAX + 1)
    except OSError as error:
        raise ConfigurationError(f"the spec can't be read: {error.strerror}") from None
    if len(document) > _SPEC_SIZE_MAX:
        raise ConfigurationError("the spec is larger than 1 MiB")
    try:
        return AgentSpec.model_validate_json(document)
    except ValidationError as error:
        raise ConfigurationError(f"the spec is not acceptable: {problems_of(error)}") from None
