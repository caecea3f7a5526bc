"""The Session reducer keeps what every reducer promises."""

from __future__ import annotations

from rynxs.testing.reducer import ReducerConformance


class TestSessionReducer(ReducerConformance):
    plugin_module = "rynxs_reducer_session.plugin"
    reducer_modules = ("rynxs_reducer_agent.plugin",)
    neighbours = (
        {
            "apiVersion": "universe.ai/v1alpha1",
            "kind": "Agent",
            "metadata": {"name": "worker"},
            "spec": {
                "role": "worker",
                "image": {"repository": "example.org/agent", "tag": "v1"},
                "workspace": {"size": "1Gi"},
            },
        },
    )
    objects = (
        {
            "apiVersion": "universe.ai/v1alpha1",
            "kind": "Session",
            "metadata": {"name": "smallest"},
            "spec": {"agentRef": "worker", "input": {"text": "count the sheep"}},
        },
        {
            "apiVersion": "universe.ai/v1alpha1",
            "kind": "Session",
            "metadata": {
                "name": "fullest",
                "namespace": "team-a",
                "labels": {"a": "b"},
                "annotations": {"c": "d"},
            },
            "spec": {
                "agentRef": "elsewhere",
                "input": {"configMapKeyRef": {"name": "inputs", "key": "first"}},
                "timeout": "1h30m",
                "retries": 3,
                "ttl": "7d",
                "runtimeClassName": "sandbox",
                "workspace": {"kind": "own", "size": "1Gi", "storageClassName": "fast"},
                "suspend": True,
            },
        },
        {
            "apiVersion": "universe.ai/v1alpha1",
            "kind": "Session",
            "metadata": {"name": "beside-its-agent"},
            "spec": {
                "agentRef": "worker",
                "input": {"text": "count the wolves"},
                "workspace": {"kind": "agent"},
            },
        },
    )
