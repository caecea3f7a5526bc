"""The spec and the status of an Agent (``universe.ai/v1alpha1``)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from rynxs.api import SpecModel, StatusModel, Text, rules
from rynxs.fields import (
    ByteQuantity,
    DnsLabel,
    DnsSubdomain,
    EgressTarget,
    LabelValue,
    Provider,
    Resources,
)

_PATH = r"[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = rf"^([a-z0-9]+([.-][a-z0-9]+)*(:[0-9]{{1,5}})?/)?{_PATH}(/{_PATH})*$"
_TAG = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?$|^@?sha256:[0-9a-f]{64}$"
_TAG_SIZE_MAX = 200
_UNPINNED = "verify demands a digest in tag, such as v1@sha256:<64 hex digits>"
_WORKER_MANAGES = "a worker manages no agents; make it a manager or a director"
_WORKER_MAY = "a worker has no agents to command; make it a manager or a director"
_ASSIGNS_TO_NOBODY = "canAssignTasks needs agents in manages to assign tasks to"
_MANAGES_NO_TEAM = "canManageTeam needs a team"

Tool = Annotated[
    Text, StringConstraints(pattern=r"^[A-Za-z0-9][-A-Za-z0-9_.:/]{0,126}\*?$", max_length=128)
]


class Permissions(SpecModel):
    """What an agent may do to others; it finds this in its mounted spec, too."""

    can_assign_tasks: bool = Field(
        default=False, description="May connect to the agents it manages, on their task port."
    )
    can_access_audit_logs: bool = Field(
        default=False,
        description="Gets the URL, the credentials and the network access to read the audit log, "
        "as set in settings.reducers.agent.auditLog; refused without that setting.",
    )
    can_manage_team: bool = Field(
        default=False, description="May connect to all agents of its team, on their task port."
    )


class Health(SpecModel):
    """The HTTP endpoint by which an image tells that it is ready and alive."""

    path: Annotated[
        Text, StringConstraints(pattern=r"^/[-A-Za-z0-9._~/]{0,200}$", max_length=201)
    ] = Field("/healthz", description="Answered with a status of 200 to 399.")
    port: int = Field(8080, ge=1, le=65_535, description="Where it is served.")


class Image(SpecModel):
    """The container image."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("!(has(self.verify) && self.verify) || self.tag.contains('sha256:')", _UNPINNED)
        )
    )

    repository: Annotated[Text, StringConstraints(pattern=_REPOSITORY, max_length=255)] = Field(
        description="Image name without tag, such as ghcr.io/rynxs/agent."
    )
    tag: Annotated[Text, StringConstraints(pattern=_TAG, max_length=_TAG_SIZE_MAX)] = Field(
        description="Tag, digest, or tag@digest."
    )
    verify: bool = Field(
        default=False, description="Demand a digest, so that the image can't change."
    )
    health: Health | None = Field(
        None, description="Where the image tells its health; without it there are no probes."
    )

    @field_validator("verify", mode="before")
    @classmethod
    def _is_no_policy(cls, value: Any) -> Any:
        if isinstance(value, dict | str):
            raise ValueError(  # noqa: TRY004
                "verification by policy is not supported; true demands a digest, false demands none"
            )
        return value

    @model_validator(mode="after")
    def _pinned(self) -> Image:
        if self.verify and "sha256:" not in self.tag:
            raise ValueError(_UNPINNED)
        return self


class Workspace(SpecModel):
    """The volume the agent works in."""

    size: ByteQuantity = Field(description="Capacity asked for, such as 1Gi.")
    storage_class_name: DnsSubdomain | Literal[""] | None = Field(
        None,
        description="Storage class; the universe's or the cluster's default without it, none if "
        "empty.",
    )
    retain: bool = Field(default=False, description="Keep the volume when the agent is deleted.")


class Tools(SpecModel):
    """The tools the agent is offered."""

    allow: list[Tool] = Field(
        [],
        max_length=256,
        description="Names, or prefixes that end in *; an empty list allows none.",
    )


class Network(SpecModel):
    """What the agent may connect to, beside DNS."""

    allow_egress_to: list[EgressTarget] = Field(
        [],
        max_length=256,
        description="IP, CIDR, service.namespace or host name, each with an optional :port. A host "
        "name is refused unless settings.reducers.agent.hostNames names a CNI that knows them.",
    )


class AgentSpec(SpecModel):
    """``spec`` of an Agent."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.role != 'worker' || !has(self.manages) || size(self.manages) == 0",
                _WORKER_MANAGES,
            ),
            (
                (
                    "self.role != 'worker' || !has(self.permissions) "
                    "|| !(has(self.permissions.canAssignTasks) && self.permissions.canAssignTasks "
                    "|| has(self.permissions.canManageTeam) && self.permissions.canManageTeam)"
                ),
                _WORKER_MAY,
            ),
            (
                (
                    "!(has(self.permissions) && has(self.permissions.canAssignTasks) "
                    "&& self.permissions.canAssignTasks) "
                    "|| has(self.manages) && size(self.manages) > 0"
                ),
                _ASSIGNS_TO_NOBODY,
            ),
            (
                (
                    "!(has(self.permissions) && has(self.permissions.canManageTeam) "
                    "&& self.permissions.canManageTeam) || has(self.team)"
                ),
                _MANAGES_NO_TEAM,
            ),
        )
    )

    role: Literal["worker", "manager", "director"] = Field(
        description="Its place in the team; a label on its pods. A worker manages none."
    )
    team: LabelValue | None = Field(
        None, description="Its team; a label on its pods, for canManageTeam of team mates."
    )
    manages: list[DnsLabel] = Field(
        [],
        max_length=64,
        description="Agents of its namespace that it manages, there or yet to come; a label each "
        "on its pods, for canAssignTasks.",
    )
    permissions: Permissions = Field(Permissions(), description="What it may do to others.")
    image: Image = Field(description="What runs.")
    workspace: Workspace | None = Field(
        None, description="A volume at /workspace; without it, one that lasts as long as the pod."
    )
    universe_ref: DnsSubdomain | None = Field(
        None,
        description="A Universe that must govern its namespace; those that do govern it anyway.",
    )
    provider: Provider | None = Field(
        None, description="The model provider; the universe's default without it."
    )
    tools: Tools = Field(Tools(), description="The tools it is offered.")
    network: Network = Field(Network(), description="What it may connect to, beside DNS.")
    resources: Resources = Field(
        Resources(),
        description="Compute resources; what is not stated comes from the universe's defaults, "
        "then from settings.reducers.agent.resources.",
    )
    service_account_token: bool = Field(
        default=False,
        description="Mount the token of the agent's own service account, agent-NAME.",
    )
    suspend: bool = Field(default=False, description="No pod runs and the network is closed.")

    @model_validator(mode="after")
    def _role_fits(self) -> AgentSpec:
        may = self.permissions
        if self.role == "worker" and self.manages:
            raise ValueError(_WORKER_MANAGES)
        if self.role == "worker" and (may.can_assign_tasks or may.can_manage_team):
            raise ValueError(_WORKER_MAY)
        if may.can_assign_tasks and not self.manages:
            raise ValueError(_ASSIGNS_TO_NOBODY)
        if may.can_manage_team and self.team is None:
            raise ValueError(_MANAGES_NO_TEAM)
        return self


class AgentStatus(StatusModel):
    """``status`` of an Agent."""

    phase: Literal["Active", "Suspended", "Refused"] | None = Field(
        None, description="Whether it is to run."
    )
    ready: bool | None = Field(None, description="Whether its pod is ready.")
