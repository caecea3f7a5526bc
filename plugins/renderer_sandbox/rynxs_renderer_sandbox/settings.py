"""The settings of the sandbox renderer."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from rynxs.api import ConfigModel

V1BETA1: Final = "agents.x-k8s.io/v1beta1"
ApiVersion = Literal["agents.x-k8s.io/v1beta1", "agents.x-k8s.io/v1alpha1"]


class SandboxSettings(ConfigModel):
    """``settings.renderers.sandbox``."""

    api_version: ApiVersion = Field(
        V1BETA1,
        description="What the cluster serves: v1beta1 as of release 0.5.0 of agent-sandbox, "
        "v1alpha1 as of 0.4.6; older ones are not supported.",
    )
