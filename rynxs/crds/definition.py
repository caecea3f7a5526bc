"""Makes a CustomResourceDefinition of a resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.crds.patterns import check_re2
from rynxs.crds.schema import read_model
from rynxs.crds.structural import structural
from rynxs.engine.resource import Column

if TYPE_CHECKING:
    from rynxs.engine.resource import Resource

_LAST_COLUMNS = (
    Column("Seq", "integer", ".status.log.seq"),
    Column("Age", "date", ".metadata.creationTimestamp"),
)


def definition(resource: Resource) -> dict[str, Any]:
    """Return the CRD of a resource (``apiextensions.k8s.io/v1``), the same for the same models.

    Raises:
        PluginError: a model allows what a CRD can't express; the text names resource and path.
    """
    schema = _schema(resource)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{resource.group}"},
        "spec": {
            "group": resource.group,
            "names": _names(resource),
            "scope": resource.scope,
            "versions": [
                {
                    "additionalPrinterColumns": [
                        _column(column) for column in (*resource.columns, *_LAST_COLUMNS)
                    ],
                    "name": version,
                    "schema": {"openAPIV3Schema": schema},
                    "served": True,
                    "storage": version == resource.versions[-1],
                    "subresources": {"status": {}},
                }
                for version in resource.versions
            ],
        },
    }


def _names(resource: Resource) -> dict[str, Any]:
    names: dict[str, Any] = {
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "plural": resource.plural,
        "singular": resource.kind.lower(),
    }
    if resource.categories:
        names["categories"] = list(resource.categories)
    if resource.short_names:
        names["shortNames"] = list(resource.short_names)
    return dict(sorted(names.items()))


def _column(column: Column) -> dict[str, Any]:
    shown = {"jsonPath": column.path, "name": column.name, "type": column.type}
    return {**shown, "priority": column.priority} if column.priority else shown


def _schema(resource: Resource) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(read_model(resource.spec, resource.group_kind, "spec")),
            "status": structural(read_model(resource.status, resource.group_kind, "status")),
        },
        "required": ["spec"],
        "type": "object",
    }
    rule = _name_rule(resource)
    return {**schema, "x-kubernetes-validations": [rule]} if rule else schema


def _name_rule(resource: Resource) -> dict[str, str] | None:
    """Return what must hold of the name, None if RE2 can't tell.

    It can't for the names that Kubernetes allows anyway, and then the API server looks after them.
    """
    try:
        check_re2(resource.name_pattern)
    except ValueError:
        return None
    pattern = f"^(?:{resource.name_pattern})$".replace("\\", "\\\\").replace("'", "\\'")
    return {
        "message": f"metadata.name: {resource.name_rule}",  # a rule at the root tells no path
        "rule": f"self.metadata.name.matches('{pattern}')",
    }
