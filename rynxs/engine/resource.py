"""Resources: the custom resource kinds that a reducer owns, declared by their models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, AliasGenerator, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from rynxs.credentials import find_credential

if TYPE_CHECKING:
    from collections.abc import Sequence


_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
DNS_SUBDOMAIN = rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*"
"""What most Kubernetes objects may be called (RFC 1123)."""


class SpecModel(BaseModel):
    """Base of all spec models: camelCase names, strict types, unknown fields refused."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(alias=to_camel),
        populate_by_name=False,
        validate_by_alias=True,
        extra="forbid",
        strict=True,
        frozen=True,
    )


def _refuse_credential(text: str) -> str:
    found = find_credential(text)
    if found:
        raise PydanticCustomError(
            "credential",
            "{kind} must not stand here; put it in a Secret and refer to that",
            {"kind": found},
        )
    return text


Text = Annotated[str, AfterValidator(_refuse_credential)]
"""A string in which literal credentials are refused; the models use it for every free text."""


class Personal:
    """Marks a model's field as personal: a payload that holds it is salted, so it can be erased."""


@dataclass(frozen=True)
class Resource:
    """A custom resource kind.

    Attributes:
        group: API group, such as ``universe.ai``.
        kind: such as ``Agent``.
        plural: such as ``agents``.
        scope: ``Namespaced`` or ``Cluster``.
        versions: served versions, the stored one last.
        spec: model of ``spec``.
        short_names: for ``kubectl get``.
        name_pattern: regular expression of ``metadata.name``.
        name_rule: the same in words, for whoever broke it.
    """

    group: str
    kind: str
    plural: str
    scope: Literal["Namespaced", "Cluster"]
    versions: Sequence[str]
    spec: type[BaseModel]
    short_names: Sequence[str] = field(default=())
    name_pattern: str = DNS_SUBDOMAIN
    name_rule: str = "lower-case letters, digits, '-', and '.' between labels, at most 253"

    @property
    def group_kind(self) -> str:
        """``group/Kind``, the start of every subject of this kind."""
        return f"{self.group}/{self.kind}"

    @property
    def api_versions(self) -> list[str]:
        """What ``apiVersion`` may say."""
        return [f"{self.group}/{version}" for version in self.versions]


def holds_personal(model: type[BaseModel], value: Any) -> bool:
    """Tell whether a value of a model, given as JSON, has a field that is marked `Personal`."""
    if not isinstance(value, dict):
        return False
    return any(
        _holds(info.annotation, info.metadata, value.get(info.alias or name))
        for name, info in model.model_fields.items()
    )


def _holds(annotation: Any, metadata: Sequence[Any], value: Any) -> bool:
    """Tell whether a value of an annotated type has something marked, at any depth."""
    if value is None:
        return False
    if any(isinstance(mark, Personal) or mark is Personal for mark in metadata):
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return holds_personal(annotation, value)
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _holds(arguments[0], arguments[1:], value)
    inner = list(value.values()) if isinstance(value, dict) else value
    values = [value, *inner] if isinstance(inner, list) else [value]
    return any(_holds(argument, (), each) for argument in arguments for each in values)
