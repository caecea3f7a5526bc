"""What becomes of a fake node and of a pod on it: the stages that kwok takes them through.

A node is ready at once, with room for more than any test asks for. A pod runs and is ready; one
that is meant to end (`restartPolicy` is not `Always`) then succeeds; one that is deleted is gone,
without its grace period. Each of a pod's first two happens at once, or as long after it could have
as an annotation of the pod says.
"""

from __future__ import annotations

from typing import Any

READY_AFTER = "rynxs.test/ready-after"
"""An annotation of a pod: how long it takes to get ready, as in `1500ms`, `2s` or `1h`."""
COMPLETE_AFTER = "rynxs.test/complete-after"
"""An annotation of a pod that is meant to end: how long it runs, in the same form."""

_NODE = """
addresses:
- {type: InternalIP, address: {{ NodeIP | Quote }}}
- {type: Hostname, address: {{ NodeName | Quote }}}
allocatable: {cpu: "1000", memory: 1Ti, pods: "1000000"}
capacity: {cpu: "1000", memory: 1Ti, pods: "1000000"}
conditions:
{{ range NodeConditions }}
- type: {{ .type }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ Now | Quote }}
  lastTransitionTime: {{ Now | Quote }}
{{ end }}
"""
_READY = """
phase: Running
startTime: {{ Now | Quote }}
podIP: {{ PodIPWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace | Quote }}
conditions:
{{ range list "Initialized" "ContainersReady" "Ready" }}
- {type: {{ . }}, status: "True", lastTransitionTime: {{ Now | Quote }}}
{{ end }}
initContainerStatuses:
{{ range .spec.initContainers }}
- name: {{ .name }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  restartCount: 0
  {{ if eq (default "" .restartPolicy) "Always" }}
  started: true
  state: {running: {startedAt: {{ Now | Quote }}}}
  {{ else }}
  started: false
  state: {terminated: {exitCode: 0, reason: Completed, finishedAt: {{ Now | Quote }}}}
  {{ end }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  started: true
  restartCount: 0
  state: {running: {startedAt: {{ Now | Quote }}}}
{{ end }}
"""
_COMPLETE = """
phase: Succeeded
conditions:
{{ range list "ContainersReady" "Ready" }}
- type: {{ . }}
  status: "False"
  reason: PodCompleted
  lastTransitionTime: {{ Now | Quote }}
{{ end }}
containerStatuses:
{{ range .status.containerStatuses }}
- name: {{ .name }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: false
  started: false
  restartCount: 0
  state:
    terminated:
      exitCode: 0
      reason: Completed
      startedAt: {{ .state.running.startedAt | Quote }}
      finishedAt: {{ Now | Quote }}
{{ end }}
"""


def stages() -> list[dict[str, Any]]:
    """Return the manifests of the stages, for kwok's configuration."""
    ready = '.status.conditions.[] | select(.type == "Ready") | .status'
    unready = {"key": ready, "operator": "NotIn", "values": ["True"]}
    deleted = ".metadata.deletionTimestamp"
    there = {"key": deleted, "operator": "DoesNotExist"}
    waiting = {"key": ".status.phase", "operator": "In", "values": ["Pending"]}
    running = {"key": ".status.phase", "operator": "In", "values": ["Running"]}
    ends = {"key": ".spec.restartPolicy", "operator": "NotIn", "values": ["Always"]}
    return [
        _stage("Node", "node-ready", [unready], _status(_NODE)),
        _stage("Pod", "ready", [there, waiting], _status(_READY), READY_AFTER),
        _stage("Pod", "complete", [there, running, ends], _status(_COMPLETE), COMPLETE_AFTER),
        # Its finalizers are left to their owners, as the Job controller is of its pods' one.
        _stage("Pod", "deleted", [{"key": deleted, "operator": "Exists"}], {"delete": True}),
    ]


def _status(template: str) -> dict[str, Any]:
    return {"patches": [{"subresource": "status", "root": "status", "template": template}]}


def _stage(
    kind: str,
    name: str,
    expressions: list[dict[str, Any]],
    then: dict[str, Any],
    after: str | None = None,
) -> dict[str, Any]:
    delay = {
        "durationMilliseconds": 0,
        "durationFrom": {"expressionFrom": f'.metadata.annotations["{after}"]'},
    }
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": expressions},
            **({"delay": delay} if after else {}),
            "next": then,
        },
    }
