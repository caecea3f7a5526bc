"""The workload renderer keeps what every renderer promises."""

from __future__ import annotations

from rynxs.testing.renderer import RendererConformance


class TestWorkloadRenderer(RendererConformance):
    plugin_module = "rynxs_renderer_workload.plugin"
    reducer_modules = ("rynxs_reducer_agent.plugin",)
    settings = {"runAsUser": 1000}  # noqa: RUF012
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
            "metadata": {"name": "fullest", "namespace": "team-a"},
            "spec": {
                "role": "manager",
                "team": "alpha",
                "universeRef": "main",
                "manages": ["smallest"],
                "image": {"repository": "example.org/agent", "tag": f"v1@sha256:{'a' * 64}"},
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
