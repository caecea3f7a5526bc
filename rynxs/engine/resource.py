"""Resources: the custom resource kinds that a reducer owns, declared by their models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, get_args, get_origin

from pydantic import AfterValidator, AliasGenerator, BaseModel, ConfigDict, Field
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


class Condition(SpecModel):
    """One condition of an object's status, as in Kubernetes' own kinds."""

    type: str = Field(max_length=316, description="What it is about, such as Accepted.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it is so.")
    reason: str = Field(max_length=1024, description="Why, in one word.")
    message: str = Field(max_length=32_768, description="Why, in words; names rule and field.")
    observed_generation: int | None = Field(None, ge=0, description="Generation it is about.")
    last_transition_time: str | None = Field(
        None,
        description="When status last changed.",
        json_schema_extra={"format": "date-time"},
    )


class LogPosition(SpecModel):
    """Where in the log it stands what is known of an object."""

    origin: str = Field(max_length=1024, description="The log's name.")
    seq: int = Field(ge=0, description="The newest record about the object.")
    leaf_hash: str = Field(
        pattern="^[0-9a-f]{64}$",
        max_length=64,
        description="Hash of that record, which rynxs proof can prove.",
    )


class StatusModel(SpecModel):
    """Base of all status models."""

    conditions: list[Condition] = Field(
        [],
        max_length=32,
        description="Accepted tells whether anything is rendered, and if not, the rule and field.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    observed_generation: int | None = Field(
        None, ge=0, description="metadata.generation that this status is about."
    )
    log: LogPosition | None = Field(None, description="Where in the log to look.")


def rules(*stated: tuple[str, str]) -> dict[str, Any]:
    """Return rules for a model's ``json_schema_extra``, each a CEL expression and its message.

    The API server enforces them (Kubernetes 1.25); a validator of the model has to say the same.
    """
    return {
        "x-kubernetes-validations": [
            {"message": message, "rule": expression} for expression, message in stated
        ]
    }


class Column(NamedTuple):
    """A column of ``kubectl get``.

    Attributes:
        name: its heading.
        type: OpenAPI type: ``string``, ``integer``, ``boolean`` or ``date``.
        path: JSON path of its value.
        priority: above 0, it is shown by ``-o wide`` only.
    """

    name: str
    type: str
    path: str
    priority: int = 0


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
        status: model of ``status``.
        short_names: for ``kubectl get``.
        categories: sets of kinds that ``kubectl get`` lists together.
        columns: of ``kubectl get``, between name, log position and age.
        name_pattern: regular expression of ``metadata.name``.
        name_rule: the same in words, for whoever broke it.
    """

    group: str
    kind: str
    plural: str
    scope: Literal["Namespaced", "Cluster"]
    versions: Sequence[str]
    spec: type[BaseModel]
    status: type[StatusModel] = StatusModel
    short_names: Sequence[str] = field(default=())
    categories: Sequence[str] = field(default=())
    columns: Sequence[Column] = field(default=())
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


def may_hold_personal(model: type[BaseModel]) -> bool:
    """Tell whether a value of a model may have a field that is marked `Personal`."""
    return any(
        _may_hold(info.annotation, info.metadata, ()) for info in model.model_fields.values()
    )


def _may_hold(annotation: Any, metadata: Sequence[Any], inside: tuple[Any, ...]) -> bool:
    """Tell whether an annotated type has something marked; `inside` are the models around it."""
    if any(isinstance(mark, Personal) or mark is Personal for mark in metadata):
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation not in inside and any(
            _may_hold(info.annotation, info.metadata, (*inside, annotation))
            for info in annotation.model_fields.values()
        )
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _may_hold(arguments[0], arguments[1:], inside)
    return any(_may_hold(argument, (), inside) for argument in arguments)


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
