"""The Agent reducer keeps what every reducer promises."""

from __future__ import annotations

from rynxs.testing.reducer import ReducerConformance

IMAGE = {"repository": "example.org/agent", "tag": "v1"}


class TestAgentReducer(ReducerConformance):
    plugin_module = "rynxs_reducer_agent.plugin"
    objects = (
        {
            "apiVersion": "universe.ai/v1alpha1",
            "kind": "Agent",
            "metadata": {"name": "smallest"},
            "spec": {"role": "worker", "image": IMAGE},
        },
        {
            "apiVersion": "universe.ai/v1alpha1",
            "kind": "Agent",
            "metadata": {
                "name": "fullest",
                "namespace": "team-a",
                "labels": {"a": "b"},
                "annotations": {"c": "d"},
            },
            "spec": {
                "role": "director",
                "team": "alpha",
                "manages": ["smallest"],
                "permissions": {"canAssignTasks": True, "canManageTeam": True},
                "image": {**IMAGE, "health": {"path": "/ready", "port": 9000}},
                "workspace": {"size": "1Gi", "retain": True},
                "universeRef": "main",
                "provider": {
                    "kind": "openai",
                    "baseUrl": "https://models.example.org/v1",
                    "model": "large",
                    "apiKeySecretRef": {"name": "provider", "key": "key"},
                },
                "tools": {"allow": ["search", "read"]},
                "network": {"allowEgressTo": ["10.0.0.0/8", "redis.cache:6379"]},
                "resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": 2}},
                "serviceAccountToken": True,
                "suspend": True,
            },
        },
        {
            "apiVersion": "universe.ai/v1alpha1",
            "kind": "Agent",
            "metadata": {"name": "unsupported"},
            "spec": {
                "role": "worker",
                "image": IMAGE,
                "network": {"allowEgressTo": ["api.example.com:443"]},
                "permissions": {"canAccessAuditLogs": True},
            },
        },
    )


class TestAgentReducerWithSettings(TestAgentReducer):
    settings = {  # noqa: RUF012
        "auditLog": {"url": "s3://log/", "allowEgressTo": ["minio.storage:9000"]},
        "hostNames": "cilium",
        "resources": {},
    }
    hash_seeds = (1, 2)
