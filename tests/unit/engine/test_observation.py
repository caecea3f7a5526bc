from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import Field

from rynxs.engine.observation import Actor, observe, problems
from rynxs.engine.resource import Personal, SpecModel, holds_personal

if TYPE_CHECKING:
    from tests.unit.engine.conftest import Kit

CANARY = "sk-canary0123456789abcdefghij"


def test_what_changes_by_itself_is_no_part_of_an_observation(kit: Kit) -> None:
    plain = kit.thing("a", size=2)
    noisy = kit.thing("a", size=2)
    noisy["metadata"] |= {
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "generation": 7,
        "managedFields": [{"manager": "kubectl"}],
        "resourceVersion": "12345",
    }
    noisy["status"] = {"phase": "Running"}
    assert observe(kit.resource, noisy) == observe(kit.resource, plain)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": {"a": "b"}},
        {"annotations": {"example.org/note": "b"}},
        {"uid": "1234"},
        {"deletionTimestamp": "2026-01-01T00:00:00Z"},
    ],
)
def test_what_a_person_changes_is_part_of_an_observation(kit: Kit, change: dict[str, Any]) -> None:
    plain = kit.thing("a")
    changed = kit.thing("a")
    changed["metadata"] |= change
    assert observe(kit.resource, changed) != observe(kit.resource, plain)


def test_the_actor_is_recorded_outside_the_facts(kit: Kit) -> None:
    observation = observe(kit.resource, kit.thing("a"))
    payload = observation.payload(Actor("alice", authenticated=True))
    assert payload.pop("actor") == {"name": "alice", "authenticated": True}
    assert payload == observation.facts


def test_a_field_marked_personal_makes_the_observation_personal(kit: Kit) -> None:
    assert not observe(kit.resource, kit.thing("a", size=1)).personal
    assert observe(kit.resource, kit.thing("a", diary="dear diary")).personal


@pytest.mark.parametrize(
    "manifest_change",
    [
        {"spec": {"apiKey": CANARY}},
        {"spec": {"colour": CANARY}},
        {"spec": {"uses": ["fine", CANARY]}},
        {"spec": {CANARY: 1}},
        {"spec": {"size": CANARY}},
        {"spec": CANARY},
        {"spec": [CANARY]},
        {"spec": {"colour": f"https://user:{CANARY}@example.org/"}},
        {"metadata": {"name": "a", "namespace": "default", "labels": {"key": CANARY}}},
        {"metadata": {"name": "a", "namespace": "default", "annotations": {"key": CANARY}}},
    ],
)
def test_a_literal_credential_is_refused_and_never_recorded(
    kit: Kit, manifest_change: dict[str, Any]
) -> None:
    manifest = kit.thing("a") | manifest_change
    assert problems(kit.resource, manifest)
    observation = observe(kit.resource, manifest)
    recorded = json.dumps(observation.payload(Actor("alice")))
    assert CANARY not in recorded
    assert observation.facts["refused"]
    assert "spec" not in observation.facts["object"]


def test_a_refused_observation_names_fields_and_rules_but_no_values(kit: Kit) -> None:
    observation = observe(kit.resource, kit.thing("a", size="large", uses=[{"deep": 1}], sise=1))
    assert observation.facts["fields"] == ["spec.sise", "spec.size", "spec.uses[].deep"]
    paths = [problem["path"] for problem in observation.facts["refused"]]
    assert paths == ["spec.sise", "spec.size", "spec.uses[0]"]
    assert "did you mean 'size'?" in observation.facts["refused"][0]["rule"]
    assert "large" not in json.dumps(observation.facts)


@pytest.mark.parametrize("spec", [{"size": float("nan")}, {"size": 2**70}, {"colour": "\ud800"}])
def test_a_value_that_the_log_cannot_hold_is_refused_but_its_event_is_recordable(
    kit: Kit, spec: dict[str, Any]
) -> None:
    pipeline = kit.pipeline()
    assert problems(kit.resource, kit.thing("a", **spec))
    assert pipeline.observe(kit.resource, kit.thing("a", **spec), kit.actor)


def test_a_missing_spec_is_a_problem(kit: Kit) -> None:
    manifest = kit.thing("a")
    del manifest["spec"]
    assert [str(problem) for problem in problems(kit.resource, manifest)] == [
        "spec: required, and missing"
    ]


class Inner(SpecModel):
    secret: Annotated[str, Personal()] | None = None
    plain: str | None = None


class Outer(SpecModel):
    one: Inner | None = None
    many: list[Inner] = Field(default_factory=list)
    named: dict[str, Inner] = Field(default_factory=dict)
    inside: Annotated[list[str], Personal()] = Field(default_factory=list)


@pytest.mark.parametrize(
    ("value", "personal"),
    [
        ({}, False),
        ({"one": {"plain": "x"}}, False),
        ({"one": {"secret": None}}, False),
        ({"one": {"secret": "x"}}, True),
        ({"many": [{"plain": "x"}, {"secret": "x"}]}, True),
        ({"named": {"k": {"secret": "x"}}}, True),
        ({"named": {"k": {"plain": "x"}}}, False),
        ({"inside": ["x"]}, True),
        ("not a map", False),
        ({"many": "not a list"}, False),
    ],
)
def test_a_mark_is_found_however_deep_it_stands(value: Any, personal: bool) -> None:
    assert holds_personal(Outer, value) is personal
