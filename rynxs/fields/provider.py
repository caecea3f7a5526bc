"""Where a model is served, and the Secret that holds its key."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator

from rynxs.engine.resource import SpecModel, Text
from rynxs.fields.names import DnsLabel, DnsSubdomain, SecretKey


class SecretKeyRef(SpecModel):
    """A key of a Secret in the same namespace."""

    name: DnsSubdomain = Field(description="The Secret.")
    key: SecretKey = Field(description="The key in it.")


class Provider(SpecModel):
    """The model provider."""

    kind: DnsLabel = Field(description="Protocol, such as openai.")
    base_url: Annotated[Text, StringConstraints(max_length=2048)] = Field(
        description="Where it is served, http or https, without user info.",
        json_schema_extra={"pattern": r"^https?://[^\s]+$"},
    )
    model: Annotated[Text, StringConstraints(min_length=1, max_length=256)] = Field(
        description="The model's name."
    )
    api_key_secret_ref: SecretKeyRef | None = Field(
        None, description="Where its API key is; never the key itself."
    )

    @field_validator("base_url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
            usable = usable and (parts.port is None or parts.port > 0)
        except ValueError:
            usable = False
        if not usable or any(character.isspace() for character in url):
            raise ValueError("not an http or https URL with a host")
        return url
