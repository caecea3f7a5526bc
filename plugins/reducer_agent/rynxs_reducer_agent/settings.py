"""The settings of the Agent reducer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from rynxs.api import ConfigModel
from rynxs.fields import DnsSubdomain, EgressTarget, Resources, parse_egress


class AuditLog(ConfigModel):
    """How agents with ``permissions.canAccessAuditLogs`` read the audit log."""

    url: str = Field(
        min_length=1,
        max_length=1024,
        description="The log, as in --log of the rynxs command; in RYNXS_LOG of the container.",
    )
    credentials_secret: DnsSubdomain | None = Field(
        None,
        description="A Secret of the agent's namespace whose keys become environment variables, "
        "such as credentials that may only read.",
    )
    allow_egress_to: list[EgressTarget] = Field([], description="Where the log is reached.")


class AgentSettings(ConfigModel):
    """``settings.reducers.agent``."""

    resources: Resources = Field(
        Resources(
            requests={"cpu": "100m", "memory": "256Mi"},
            limits={"cpu": "1", "memory": "1Gi"},
        ),
        description="Compute resources that neither an agent nor its universe states.",
    )
    host_names: Literal["refuse", "cilium"] = Field(
        "refuse",
        description="What becomes of host names in network.allowEgressTo: a NetworkPolicy can't "
        "allow them; cilium renders a CiliumNetworkPolicy that can.",
    )
    audit_log: AuditLog | None = Field(
        None, description="The audit log that agents may be given; without it they may not."
    )

    @model_validator(mode="after")
    def _reaches_the_audit_log(self) -> AgentSettings:
        targets = self.audit_log.allow_egress_to if self.audit_log else []
        if self.host_names == "refuse" and any("host" in parse_egress(each) for each in targets):
            raise ValueError(
                "auditLog.allowEgressTo has a host name, which no NetworkPolicy can allow; name "
                "its addresses, or set hostNames to a CNI that can"
            )
        return self
