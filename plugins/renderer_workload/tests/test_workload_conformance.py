"""The workload renderer keeps what every renderer promises."""

from __future__ import annotations

from rynxs.testing.renderer import RendererConformance

AGENT = {"apiVersion": "universe.ai/v1alpha1", "kind": "Agent"}
SESSION = {"apiVersion": "universe.ai/v1alpha1", "kind": "Session"}
IMAGE = {"repository": "example.org/agent", "tag": "v1"}


class TestWorkloadRenderer(RendererConformance):
    plugin_module = "rynxs_renderer_workload.plugin"
    reducer_modules = ("rynxs_reducer_agent.plugin", "rynxs_reducer_session.plugin")
    reducer_settings = {  # noqa: RUF012
        "rynxs_reducer_agent.plugin": {
            "hostNames": "cilium",
            "auditLog": {
                "url": "s3://log/rynxs",
                "credentialsSecret": "log-reader",
                "allowEgressTo": ["s3.storage:9000", "logs.example.org:443"],
            },
        }
    }
    settings = {"runAsUser": 1000, "taskPort": 9090}  # noqa: RUF012
    objects = (
        {**AGENT, "metadata": {"name": "smallest"}, "spec": {"role": "worker", "image": IMAGE}},
        {
            **AGENT,
            "metadata": {"name": "fullest", "namespace": "team-a"},
            "spec": {
                "role": "manager",
                "team": "alpha",
                "manages": ["smallest"],
                "permissions": {
                    "canAssignTasks": True,
                    "canAccessAuditLogs": True,
                    "canManageTeam": True,
                },
                "image": {
                    "repository": "example.org/agent",
                    "tag": f"v1@sha256:{'a' * 64}",
                    "verify": True,
                    "health": {"path": "/ready", "port": 8081},
                },
                "workspace": {"size": "1Gi", "storageClassName": "fast", "retain": True},
                "provider": {
                    "kind": "openai",
                    "baseUrl": "https://models.example.org/v1",
                    "model": "large",
                    "apiKeySecretRef": {"name": "provider", "key": "key"},
                },
                "tools": {"allow": ["search", "files/*"]},
                "network": {
                    "allowEgressTo": ["10.0.0.0/8", "redis.cache:6379", "models.example.org:443"]
                },
                "resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": 2}},
                "serviceAccountToken": True,
            },
        },
        {
            **AGENT,
            "metadata": {"name": "suspended"},
            "spec": {"role": "worker", "image": IMAGE, "suspend": True},
        },
        {
            **SESSION,
            "metadata": {"name": "smallest"},
            "spec": {"agentRef": "smallest", "input": {"text": "count the sheep"}},
        },
        {
            **SESSION,
            "metadata": {"name": "fullest", "namespace": "team-a"},
            "spec": {
                "agentRef": "fullest",
                "input": {"configMapKeyRef": {"name": "inputs", "key": "first"}},
                "timeout": "1h30m",
                "retries": 3,
                "ttl": "7d",
                "runtimeClassName": "sandbox",
                "workspace": {"kind": "own", "size": "1Gi", "storageClassName": "fast"},
            },
        },
        {
            **SESSION,
            "metadata": {"name": "beside", "namespace": "team-a"},
            "spec": {
                "agentRef": "fullest",
                "input": {"text": "count the wolves"},
                "workspace": {"kind": "agent"},
                "suspend": True,
            },
        },
    )
