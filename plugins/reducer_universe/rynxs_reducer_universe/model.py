"""The spec and the status of a Universe (``universe.ai/v1alpha1``)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from rynxs.api import SpecModel, StatusModel, Text
from rynxs.fields import (
    DnsSubdomain,
    NamePattern,
    Provider,
    Quantity,
    Resources,
)
from rynxs_reducer_universe.matching import parse_egress_pattern

NamespacePattern = Annotated[
    Text,
    StringConstraints(
        pattern=r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?|([a-z0-9][-a-z0-9]{0,61})?\*)$",
        max_length=63,
    ),
]
ImagePattern = Annotated[
    Text,
    StringConstraints(
        pattern=r"^([a-z0-9][-a-z0-9._:/]{0,254})?(:[A-Za-z0-9_][-A-Za-z0-9_.]{0,127})?\*?"
        r"(@sha256:([0-9a-f]{64}|\*))?$",
        min_length=1,
        max_length=460,
    ),
]


def _is_egress_pattern(text: str) -> str:
    parse_egress_pattern(text)
    return text


EgressPattern = Annotated[
    Text, StringConstraints(min_length=1, max_length=300), AfterValidator(_is_egress_pattern)
]


class Defaults(SpecModel):
    """What agents get that do not state it themselves."""

    provider: Provider | None = Field(None, description="Their model provider.")
    resources: Resources = Field(Resources(), description="Their compute resources.")
    storage_class_name: DnsSubdomain | None = Field(
        None, description="Storage class of their workspaces."
    )


class Allowed(SpecModel):
    """What agents and sessions may have. A list that is not there restricts nothing."""

    images: list[ImagePattern] | None = Field(
        None,
        max_length=256,
        description="Images: repository, repository:tag, or a prefix of either that ends in *, and "
        "reaches into no other registry. With @sha256:<digest>, or @sha256:* for any, only images "
        "pinned to a digest; a tag without one allows none that is, for there the digest decides.",
    )
    tools: list[NamePattern] | None = Field(
        None, max_length=256, description="Tools: names, or prefixes that end in *."
    )
    secrets: list[NamePattern] = Field(
        [],
        max_length=256,
        description="Secrets that apiKeySecretRef may name: names, or prefixes that end in *; "
        "none unless allowed here.",
    )
    egress: list[EgressPattern] | None = Field(
        None,
        max_length=256,
        description="Where they may connect to: IP, CIDR, service.namespace, *.namespace or host "
        "name, each with an optional :port.",
    )
    permissions: (
        list[
            Literal["canAccessAuditLogs", "canAssignTasks", "canManageTeam", "serviceAccountToken"]
        ]
        | None
    ) = Field(
        None,
        max_length=4,
        description="Permissions that agents may ask for, and the token of their service account.",
    )
    runtime_classes: list[NamePattern] | None = Field(
        None,
        max_length=64,
        description="Runtime classes of sessions: names, or prefixes that end in *. A session has "
        "to name one of them; if the list is empty, it may name none.",
    )


class Quotas(SpecModel):
    """How much there may be at once, in all of its namespaces together."""

    agents: int | None = Field(None, ge=0, le=1_000_000, description="Agents.")
    sessions: int | None = Field(None, ge=0, le=1_000_000, description="Unfinished sessions.")
    cpu: Quantity | None = Field(
        None, description="Sum of their CPU limits, or requests where there is no limit."
    )
    memory: Quantity | None = Field(
        None, description="Sum of their memory limits, or requests where there is no limit."
    )


class UniverseSpec(SpecModel):
    """``spec`` of a Universe."""

    namespaces: list[NamespacePattern] = Field(
        min_length=1,
        max_length=256,
        description="Namespaces that it governs: names, or prefixes that end in *.",
    )
    defaults: Defaults = Field(Defaults(), description="What agents get that do not state it.")
    allowed: Allowed = Field(Allowed(), description="What agents and sessions may have.")
    quotas: Quotas = Field(Quotas(), description="How much there may be at once.")
    suspend: bool = Field(
        default=False, description="The kill switch: nothing of it runs, and its network is closed."
    )


class UniverseStatus(StatusModel):
    """``status`` of a Universe."""

    phase: Literal["Active", "Suspended", "Refused"] | None = Field(
        None, description="Whether what it governs may run."
    )
    agents: int | None = Field(None, ge=0, description="Agents that it has accepted.")
    sessions: int | None = Field(None, ge=0, description="Unfinished sessions it has accepted.")
