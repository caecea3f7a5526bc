"""The sandbox renderer keeps what every renderer promises."""

from __future__ import annotations

from rynxs.testing.renderer import RendererConformance


class TestSandboxRenderer(RendererConformance):
    plugin_module = "rynxs_renderer_sandbox.plugin"
    reducer_modules = ("rynxs_reducer_agent.plugin",)
    renderer_modules = ("rynxs_renderer_workload.plugin",)
    settings = {"apiVersion": "agents.x-k8s.io/v1alpha1"}  # noqa: RUF012
    objects = (
        {
            "apiVersion": "universe.ai/v1alpha1",
            "kind": "Agent",
            "metadata": {"name": "smallest"},
            "spec": {
                "role": "worker",
                "image": {"repository": "example.org/agent", "tag": "v1"},
            },
        },
        {
            "apiVersion": "universe.ai/v1alpha1",
            "kind": "Agent",
            "metadata": {"name": "suspended"},
            "spec": {
                "role": "worker",
                "image": {"repository": "example.org/agent", "tag": "v1"},
                "suspend": True,
            },
        },
        {
            "apiVersion": "universe.ai/v1alpha1",
            "kind": "Agent",
            "metadata": {"name": "fullest", "namespace": "team-a"},
            "spec": {
                "role": "manager",
                "team": "alpha",
                "manages": ["smallest"],
                "permissions": {"canAssignTasks": True, "canManageTeam": True},
                "image": {
                    "repository": "example.org/agent",
                    "tag": f"v1@sha256:{'a' * 64}",
                    "health": {"port": 9000},
                },
                "workspace": {"size": "1Gi", "storageClassName": "fast", "retain": True},
                "provider": {
                    "kind": "openai",
                    "baseUrl": "https://models.example.org/v1",
                    "model": "large",
                    "apiKeySecretRef": {"name": "provider", "key": "key"},
                },
                "network": {"allowEgressTo": ["10.0.0.0/8", "redis.cache:6379"]},
                "resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": 2}},
            },
        },
    )
