"""The spec of an Agent (``universe.ai/v1alpha1``)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from rynxs.api import SpecModel, Text
from rynxs_reducer_agent.egress import parse_egress

_QUANTITY = r"[0-9]{1,30}(\.[0-9]{1,30})?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?"
_LABEL_VALUE = r"^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
_DNS_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
_DNS_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?){0,9}$"
_RESOURCE = (
    r"^(cpu|memory|ephemeral-storage|hugepages-[0-9]+[KMGT]i"
    r"|[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)$"
)
_REPOSITORY = r"^[a-z0-9]+([.-][a-z0-9]+)*(:[0-9]{1,5})?(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*$"
_TAG = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?$|^@?sha256:[0-9a-f]{64}$"


_SUFFIXES = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", 1)},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)},
}


def _canonical_quantity(value: object) -> str:
    """Return a quantity as text; as Kubernetes, take an integer too."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not re.fullmatch(_QUANTITY, value):
        raise ValueError("not a quantity; allowed is text such as 500m or 1.5Gi, or an integer")
    return value


def _amount(quantity: str) -> Decimal:
    """Return the number that a quantity stands for."""
    digits = quantity.rstrip("".join(_SUFFIXES))
    return Decimal(digits) * _SUFFIXES[quantity[len(digits) :]]


def _whole_bytes(quantity: str) -> str:
    amount = _amount(quantity)
    if amount <= 0 or amount != amount.to_integral_value():
        raise ValueError("not a whole number of bytes above zero")
    return quantity


Quantity = Annotated[str, BeforeValidator(_canonical_quantity)]
ByteQuantity = Annotated[Quantity, AfterValidator(_whole_bytes)]
ResourceName = Annotated[str, StringConstraints(pattern=_RESOURCE)]
DnsLabel = Annotated[Text, StringConstraints(pattern=_DNS_LABEL)]
DnsSubdomain = Annotated[Text, StringConstraints(pattern=_DNS_SUBDOMAIN)]
LabelValue = Annotated[Text, StringConstraints(pattern=_LABEL_VALUE)]
Tool = Annotated[Text, StringConstraints(pattern=r"^[A-Za-z0-9][-A-Za-z0-9_.:/*]{0,127}$")]
EgressTarget = Annotated[Text, StringConstraints(min_length=1, max_length=300)]


class Permissions(SpecModel):
    """What an agent may do to others; the agent finds it in its mounted spec."""

    can_assign_tasks: bool = Field(
        default=False, description="May give tasks to the agents it manages."
    )
    can_access_audit_logs: bool = Field(default=False, description="May read the audit log.")
    can_manage_team: bool = Field(default=False, description="May change the agents of its team.")


class Image(SpecModel):
    """The container image."""

    repository: Annotated[Text, StringConstraints(pattern=_REPOSITORY, max_length=255)] = Field(
        description="Image name without tag, such as ghcr.io/rynxs/agent."
    )
    tag: Annotated[Text, StringConstraints(pattern=_TAG)] = Field(
        description="Tag, digest, or tag@digest."
    )
    verify: bool = Field(
        default=False, description="Demand a digest, so that the image can't change."
    )

    @model_validator(mode="after")
    def _pinned(self) -> Image:
        if self.verify and "sha256:" not in self.tag:
            raise ValueError("verify demands a digest in tag, such as v1@sha256:<64 hex digits>")
        return self


class Workspace(SpecModel):
    """The volume the agent works in."""

    size: ByteQuantity = Field(description="Capacity asked for, such as 1Gi.")
    storage_class_name: DnsSubdomain | Literal[""] | None = Field(
        None, description="Storage class; the cluster's default without it, none if empty."
    )
    retain: bool = Field(default=False, description="Keep the volume when the agent is deleted.")


class SecretKeyRef(SpecModel):
    """A key of a Secret in the agent's namespace."""

    name: DnsSubdomain = Field(description="The Secret.")
    key: Annotated[Text, StringConstraints(pattern=r"^[-._a-zA-Z0-9]{1,253}$")] = Field(
        description="The key in it."
    )


class Provider(SpecModel):
    """The model provider."""

    kind: DnsLabel = Field(description="Protocol, such as openai.")
    base_url: Annotated[Text, StringConstraints(max_length=2048)] = Field(
        description="Where it is served, http or https, without user info."
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
        if not usable or any(c.isspace() for c in url):
            raise ValueError("not an http or https URL with a host")
        return url


class Tools(SpecModel):
    """The tools the agent is offered."""

    allow: list[Tool] = Field([], max_length=256, description="Names; an empty list allows none.")


class Network(SpecModel):
    """What the agent may connect to, beside DNS."""

    allow_egress_to: list[EgressTarget] = Field(
        [], max_length=256, description="IP, CIDR or service.namespace, each with optional :port."
    )

    @field_validator("allow_egress_to")
    @classmethod
    def _are_targets(cls, targets: list[str]) -> list[str]:
        for target in targets:
            parse_egress(target)
        return targets


class Resources(SpecModel):
    """Compute resources of the container."""

    requests: dict[ResourceName, Quantity] = Field({}, description="What is reserved.")
    limits: dict[ResourceName, Quantity] = Field({}, description="What is not exceeded.")

    @model_validator(mode="after")
    def _requests_within_limits(self) -> Resources:
        for name, limit in sorted(self.limits.items()):
            requested = self.requests.get(name)
            if requested is not None and _amount(requested) > _amount(limit):
                raise ValueError(f"requests {requested} of {name}, above its limit of {limit}")
        return self


class AgentSpec(SpecModel):
    """``spec`` of an Agent."""

    role: Literal["worker", "manager", "director"] = Field(description="Its place in the team.")
    team: LabelValue | None = Field(None, description="Its team; a label on its pods.")
    manages: list[DnsLabel] = Field(
        [], max_length=256, description="Agents it manages; a worker manages none."
    )
    permissions: Permissions = Field(Permissions(), description="What it may do to others.")
    image: Image = Field(description="What runs.")
    workspace: Workspace | None = Field(None, description="A volume at /workspace.")
    universe_ref: DnsSubdomain | None = Field(None, description="The Universe it belongs to.")
    provider: Provider | None = Field(None, description="The model provider.")
    tools: Tools = Field(Tools(), description="The tools it is offered.")
    network: Network = Field(Network(), description="What it may connect to, beside DNS.")
    resources: Resources = Field(Resources(), description="Compute resources.")
    suspend: bool = Field(default=False, description="No pod runs and the network is closed.")

    @model_validator(mode="after")
    def _worker_manages_none(self) -> AgentSpec:
        if self.role == "worker" and self.manages:
            raise ValueError("a worker manages no agents; make it a manager or a director")
        return self
