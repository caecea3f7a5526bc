"""The spec and the status of a Session (``universe.ai/v1alpha1``)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from rynxs.api import Personal, SpecModel, StatusModel, Text, rules
from rynxs.fields import ByteQuantity, DnsLabel, DnsSubdomain, Duration, SecretKey

# A ConfigMap holds 1 MiB: so many characters of up to four bytes each, and the agent's spec.
_INPUT_SIZE_MAX = 196_608
_NOT_ANOTHERS = "agent-... and session-... are other agents' and sessions' own"
_ONE_INPUT = "exactly one of text and configMapKeyRef is the input"
_OWN_HAS_SIZE = "a workspace of its own needs size; the agent's takes neither size nor class"
_FIXED = ("agentRef", "input", "retries", "runtimeClassName", "timeout", "ttl", "workspace")
_IMMUTABLE = "a session's spec can't change, save suspend; make another session"


class ConfigMapKeyRef(SpecModel):
    """A key of a ConfigMap in the session's namespace."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!self.name.startsWith('agent-') && !self.name.startsWith('session-')",
                _NOT_ANOTHERS,
            )
        )
    )

    name: DnsSubdomain = Field(
        description="The ConfigMap; none that is called agent-... or session-..., as those are "
        "that rynxs makes for others."
    )
    key: SecretKey = Field(description="The key in it.")

    @field_validator("name")
    @classmethod
    def _is_not_anothers(cls, name: str) -> str:
        if name.startswith(("agent-", "session-")):
            raise ValueError(_NOT_ANOTHERS)
        return name


class Input(SpecModel):
    """What the agent is asked to do; personal, so it is stored salted and can be erased."""

    model_config = ConfigDict(
        json_schema_extra=rules(("has(self.text) != has(self.configMapKeyRef)", _ONE_INPUT))
    )

    text: Annotated[Text, StringConstraints(max_length=_INPUT_SIZE_MAX), Personal()] | None = Field(
        None, description="The input itself."
    )
    config_map_key_ref: Annotated[ConfigMapKeyRef, Personal()] | None = Field(
        None, description="Where the input is."
    )

    @model_validator(mode="after")
    def _is_one(self) -> Input:
        if (self.text is None) == (self.config_map_key_ref is None):
            raise ValueError(_ONE_INPUT)
        return self


class SessionWorkspace(SpecModel):
    """The volume the session works in."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                (
                    "self.kind == 'own' ? has(self.size) "
                    ": !has(self.size) && !has(self.storageClassName)"
                ),
                _OWN_HAS_SIZE,
            )
        )
    )

    kind: Literal["own", "agent"] = Field(
        description="A volume of its own, or the agent's, which must then allow both pods: on one "
        "node, if its access mode is ReadWriteOnce."
    )
    size: ByteQuantity | None = Field(None, description="Capacity of a volume of its own.")
    storage_class_name: DnsSubdomain | None = Field(
        None, description="Its storage class; the universe's or the cluster's default without it."
    )

    @model_validator(mode="after")
    def _own_has_size(self) -> SessionWorkspace:
        is_own = self.kind == "own"
        if is_own != (self.size is not None) or (not is_own and self.storage_class_name):
            raise ValueError(_OWN_HAS_SIZE)
        return self


class SessionSpec(SpecModel):
    """``spec`` of a Session."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            *(
                (
                    (
                        f"has(self.{name}) == has(oldSelf.{name}) "
                        f"&& (!has(self.{name}) || self.{name} == oldSelf.{name})"
                    ),
                    f"{name}: {_IMMUTABLE}",
                )
                for name in _FIXED
            )
        )
    )

    agent_ref: DnsLabel = Field(description="The agent of its namespace that it is a run of.")
    input: Input = Field(description="What the agent is asked to do.")
    timeout: Duration = Field(
        "1h", description="How long it may run, once it has started; then it is Expired."
    )
    retries: int = Field(
        0, ge=0, le=10, description="How often a pod that failed is replaced by another."
    )
    ttl: Duration | None = Field(
        None,
        description="How long what was made for it stays after its end; for ever without it.",
    )
    runtime_class_name: DnsSubdomain | None = Field(
        None, description="The runtime class of its pod, such as one for a sandbox."
    )
    workspace: SessionWorkspace | None = Field(
        None, description="A volume at /workspace; without it, one that lasts as long as the pod."
    )
    suspend: bool = Field(
        default=False, description="No pod runs and the network is closed; the time starts anew."
    )


class SessionStatus(StatusModel):
    """``status`` of a Session."""

    phase: (
        Literal["Pending", "Running", "Suspended", "Succeeded", "Failed", "Expired", "Refused"]
        | None
    ) = Field(None, description="Where it is in its life.")
    started_at: str | None = Field(
        None, description="When it started.", json_schema_extra={"format": "date-time"}
    )
    finished_at: str | None = Field(
        None, description="When it ended.", json_schema_extra={"format": "date-time"}
    )
