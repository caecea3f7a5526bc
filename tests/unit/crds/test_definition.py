"""The CRD round the schemas, and the CRDs of the default configuration."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from pydantic import Field

from rynxs.api import Column, Resource, SpecModel, StatusModel
from rynxs.crds.definition import definition
from rynxs.documents import parse_documents
from tests.unit.crds.kubernetes import problems_of_schema, unbounded, validator

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class WidgetSpec(SpecModel):
    size: int = Field(ge=0)


class WidgetStatus(StatusModel):
    phase: str | None = Field(None, max_length=9)


def widget(**attributes: Any) -> Resource:
    base = {
        "group": "example.org",
        "kind": "Widget",
        "plural": "widgets",
        "scope": "Namespaced",
        "versions": ["v1"],
        "spec": WidgetSpec,
        "status": WidgetStatus,
    }
    return Resource(**{**base, **attributes})


def version_of(made: Mapping[str, Any]) -> dict[str, Any]:
    (version,) = made["spec"]["versions"]
    assert isinstance(version, dict)
    return version


def schema_of(made: Mapping[str, Any]) -> dict[str, Any]:
    schema = version_of(made)["schema"]["openAPIV3Schema"]
    assert isinstance(schema, dict)
    return schema


def test_group_names_and_scope_are_those_of_the_resource() -> None:
    made = definition(widget(short_names=["wd", "w"], categories=["things"], scope="Cluster"))
    assert (made["apiVersion"], made["kind"]) == (
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
    )
    assert made["metadata"] == {"name": "widgets.example.org"}
    assert made["spec"]["group"] == "example.org"
    assert made["spec"]["scope"] == "Cluster"
    assert made["spec"]["names"] == {
        "categories": ["things"],
        "kind": "Widget",
        "listKind": "WidgetList",
        "plural": "widgets",
        "shortNames": ["wd", "w"],
        "singular": "widget",
    }
    assert not {"categories", "shortNames"} & definition(widget())["spec"]["names"].keys()


def test_every_version_is_served_and_the_last_one_stored() -> None:
    versions = definition(widget(versions=["v1alpha1", "v1"]))["spec"]["versions"]
    assert [(each["name"], each["served"], each["storage"]) for each in versions] == [
        ("v1alpha1", True, False),
        ("v1", True, True),
    ]
    assert versions[0]["schema"] == versions[1]["schema"]


def test_a_spec_is_required_and_the_status_is_a_subresource() -> None:
    made = definition(widget())
    assert version_of(made)["subresources"] == {"status": {}}
    schema = schema_of(made)
    assert schema["required"] == ["spec"]
    assert schema["properties"]["metadata"] == {"type": "object"}
    assert schema["properties"]["spec"]["properties"].keys() == {"size"}
    assert schema["properties"]["status"]["properties"].keys() == {
        *("conditions", "log", "observedGeneration", "phase")
    }


def test_its_own_columns_come_before_the_position_in_the_log_and_the_age() -> None:
    columns = (
        Column("Size", "integer", ".spec.size"),
        Column("Phase", "string", ".status.phase", priority=1),
    )
    assert version_of(definition(widget(columns=columns)))["additionalPrinterColumns"] == [
        {"jsonPath": ".spec.size", "name": "Size", "type": "integer"},
        {"jsonPath": ".status.phase", "name": "Phase", "priority": 1, "type": "string"},
        {"jsonPath": ".status.log.seq", "name": "Seq", "type": "integer"},
        {"jsonPath": ".metadata.creationTimestamp", "name": "Age", "type": "date"},
    ]


def test_conditions_are_a_list_that_is_merged_by_type() -> None:
    conditions = schema_of(definition(widget()))["properties"]["status"]["properties"]["conditions"]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
    assert "type" in conditions["items"]["required"]


def test_a_rule_of_the_name_is_told_in_its_words() -> None:
    made = definition(widget(name_pattern=r"[a-z]+\d|it's", name_rule="letters and a digit"))
    assert schema_of(made)["x-kubernetes-validations"] == [
        {
            "message": "metadata.name: letters and a digit",
            "rule": r"self.metadata.name.matches('^(?:[a-z]+\\d|it\'s)$')",
        }
    ]


@pytest.mark.parametrize("attributes", [{}, {"name_pattern": "(?!kube-)[a-z-]+"}])
def test_a_rule_of_the_name_that_re2_can_not_tell_is_left_to_the_reducer(
    attributes: dict[str, Any],
) -> None:
    assert "x-kubernetes-validations" not in schema_of(definition(widget(**attributes)))


def test_what_is_made_is_plain_json_whose_schemas_have_sorted_keywords() -> None:
    made = definition(widget(short_names=("w",)))
    assert json.loads(json.dumps(made)) == made
    for schema in schema_of(made)["properties"].values():
        assert list(schema) == sorted(schema)


def test_every_schema_of_the_default_configuration_is_structural(kinds: list[Resource]) -> None:
    assert [kind.kind for kind in kinds] == ["Agent", "Session", "Universe"]
    for kind in kinds:
        assert problems_of_schema(schema_of(definition(kind))) == [], kind.kind


def test_no_list_map_or_text_of_the_default_configuration_is_unbounded(
    kinds: list[Resource],
) -> None:
    for kind in kinds:
        properties = schema_of(definition(kind))["properties"]
        for root in ("spec", "status"):
            assert list(unbounded(properties[root], f"{kind.kind}.{root}")) == []


def test_the_examples_fit_the_schemas_and_do_not_with_an_unknown_or_a_missing_field(
    kinds: list[Resource], repository: Path
) -> None:
    specs = {kind.kind: schema_of(definition(kind))["properties"]["spec"] for kind in kinds}
    seen = []
    for file in sorted((repository / "examples").glob("*.yaml")):
        for document in parse_documents(file.read_bytes(), file.name):
            kind, spec = document.value["kind"], document.value["spec"]
            checked = validator(specs[kind])
            assert list(map(str, checked.iter_errors(spec))) == [], document.place
            assert not checked.is_valid({**spec, "unknown": 1})
            for required in specs[kind]["required"]:
                assert not checked.is_valid({key: spec[key] for key in spec if key != required})
            seen.append(kind)
    assert {"Agent", "Session", "Universe"} == set(seen)


def test_what_is_wrong_in_a_value_is_wrong_by_the_schema(kinds: list[Resource]) -> None:
    specs = {kind.kind: schema_of(definition(kind))["properties"]["spec"] for kind in kinds}
    agent = yaml.safe_load("{role: worker, image: {repository: example.org/a, tag: v1}}")
    universe = {"namespaces": ["team-*"]}
    wrong: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("Agent", agent, {"role": "boss"}),
        ("Agent", agent, {"team": "-x"}),
        ("Agent", agent, {"manages": ["Upper"]}),
        ("Agent", agent, {"image": {"repository": "A", "tag": "v1"}}),
        ("Agent", agent, {"workspace": {"size": "1 Gi"}}),
        ("Agent", agent, {"workspace": {"size": 1.5}}),
        ("Agent", agent, {"resources": {"limits": {"cpu": True}}}),
        ("Universe", universe, {"namespaces": []}),
        ("Universe", universe, {"quotas": {"agents": -1}}),
        ("Universe", universe, {"allowed": {"egress": [""]}}),
    ]
    right: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("Agent", agent, {"workspace": {"size": 5, "storageClassName": ""}}),
        ("Universe", universe, {"allowed": {"egress": ["*.tools:443", "10.0.0.0/8"]}}),
    ]
    for expected, cases in ((False, wrong), (True, right)):
        for kind, base, change in cases:
            assert validator(specs[kind]).is_valid({**base, **change}) is expected, change
