"""The settings of the workload renderer."""

from __future__ import annotations

from pydantic import Field

from rynxs.api import ConfigModel


class Dns(ConfigModel):
    """Where the cluster's DNS servers are; agents may always ask them."""

    namespace: str = Field("kube-system", description="Their namespace.")
    pod_labels: dict[str, str] = Field(
        {"k8s-app": "kube-dns"}, description="Their labels.", min_length=1
    )


class WorkloadSettings(ConfigModel):
    """``settings.renderers.workload``."""

    run_as_user: int = Field(
        65532, ge=1, le=2**31 - 1, description="User and group id of the agents' processes."
    )
    task_port: int = Field(
        8080, ge=1, le=65_535, description="Where agents take tasks from those who manage them."
    )
    dns: Dns = Field(Dns(), description="The cluster's DNS servers.")
