"""Writes a tree of nodes as a structural schema, the only kind that Kubernetes takes.

Structural is defined at
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/.
"""

from __future__ import annotations

from typing import Any

from rynxs.crds.node import INT_OR_STRING, Node


def structural(node: Node) -> dict[str, Any]:
    """Return the OpenAPI v3 schema of a node, as in apiextensions.k8s.io/v1."""
    schema: dict[str, Any] = {**_type(node), **node.checks, **node.marks}
    description = node.description.replace("``", "")
    if description:
        schema["description"] = description
    if node.default is not None:
        schema["default"] = node.default
    if node.nullable:
        schema["nullable"] = True
    if node.either:
        schema["anyOf"] = [dict(checks) for checks in node.either]
    if node.fields:
        schema["properties"] = {name: structural(field) for name, field in node.fields.items()}
    if node.required:
        schema["required"] = list(node.required)
    if node.items is not None:
        schema["items"] = structural(node.items)
    if node.values is not None:
        schema["additionalProperties"] = structural(node.values)
    if node.rules:
        schema["x-kubernetes-validations"] = [dict(rule) for rule in node.rules]
    return dict(sorted(schema.items()))


def _type(node: Node) -> dict[str, Any]:
    if node.type == INT_OR_STRING:
        return {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            f"x-kubernetes-{INT_OR_STRING}": True,
        }
    if node.type == "integer":  # every integer of the log is within 64 bits
        return {"format": "int64", "type": "integer"}
    return {"type": node.type}
