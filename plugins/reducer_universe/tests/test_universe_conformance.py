"""The Universe reducer keeps what every reducer promises, judging included."""

from __future__ import annotations

from rynxs.testing.reducer import ReducerConformance

API = "universe.ai/v1alpha1"
IMAGE = {"repository": "ghcr.io/acme/agent", "tag": "v1"}
PROVIDER = {
    "kind": "openai",
    "baseUrl": "https://models.example.org/v1",
    "model": "large",
    "apiKeySecretRef": {"name": "shared", "key": "key"},
}


class TestUniverseReducer(ReducerConformance):
    plugin_module = "rynxs_reducer_universe.plugin"
    reducer_modules = ("rynxs_reducer_agent.plugin", "rynxs_reducer_session.plugin")
    neighbours = (
        {
            "apiVersion": API,
            "kind": "Agent",
            "metadata": {"name": "plain", "namespace": "team-a"},
            "spec": {"role": "worker", "image": IMAGE, "workspace": {"size": "1Gi"}},
        },
        {
            "apiVersion": API,
            "kind": "Agent",
            "metadata": {"name": "forbidden", "namespace": "team-a"},
            "spec": {
                "role": "worker",
                "image": {"repository": "ghcr.io/other/agent", "tag": "v1"},
                "universeRef": "another",
                "network": {"allowEgressTo": ["198.51.100.7"]},
                "tools": {"allow": ["shell"]},
                "provider": PROVIDER,
            },
        },
        {
            "apiVersion": API,
            "kind": "Agent",
            "metadata": {"name": "ungoverned", "namespace": "elsewhere"},
            "spec": {"role": "worker", "image": IMAGE},
        },
        {
            "apiVersion": API,
            "kind": "Session",
            "metadata": {"name": "run", "namespace": "team-a"},
            "spec": {"agentRef": "plain", "input": {"text": "hello"}},
        },
    )
    objects = (
        {
            "apiVersion": API,
            "kind": "Universe",
            "metadata": {"name": "smallest"},
            "spec": {"namespaces": ["*"]},
        },
        {
            "apiVersion": API,
            "kind": "Universe",
            "metadata": {"name": "fullest"},
            "spec": {
                "namespaces": ["team-*", "lab"],
                "defaults": {
                    "provider": PROVIDER,
                    "resources": {"limits": {"cpu": "2"}},
                    "storageClassName": "fast",
                },
                "allowed": {
                    "images": ["ghcr.io/acme/*"],
                    "tools": ["files*"],
                    "secrets": ["team-*"],
                    "egress": ["10.0.0.0/8", "*.inference:8080", "api.example.com:443"],
                    "runtimeClasses": ["gvisor"],
                },
                "quotas": {"agents": 1, "sessions": 0, "cpu": "10", "memory": "10Gi"},
                "suspend": True,
            },
        },
    )
