"""What was once accepted of a session stays, whatever is observed of it later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import World

UID, OTHER = (f"00000000-0000-4000-8000-00000000000{digit}" for digit in "12")
WORKSPACE = {"kind": "own", "size": "1Gi"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"agentRef": "other"}, "spec.agentRef"),
        ({"input": {"text": "count the wolves"}}, "spec.input"),
        ({"input": {"configMapKeyRef": {"name": "a", "key": "b"}}}, "spec.input"),
        ({"timeout": "2h"}, "spec.timeout"),
        ({"retries": 1}, "spec.retries"),
        ({"ttl": "1d"}, "spec.ttl"),
        ({"runtimeClassName": "sandbox"}, "spec.runtimeClassName"),
        ({"workspace": WORKSPACE}, "spec.workspace"),
        ({"ttl": "1d", "retries": 1, "suspend": True}, "spec.retries, spec.ttl"),
    ],
)
def test_a_changed_field_is_ignored_and_named(
    world: World, changed: dict[str, Any], told: str
) -> None:
    world.agent()
    world.session()
    before = world.slice()["spec"]
    world.session(**changed)
    assert world.slice()["spec"] == before | {"suspend": changed.get("suspend", False)}
    assert world.condition("Accepted") == ("True", "Valid", "")
    ignored = world.condition("SpecIgnored")
    assert ignored is not None
    assert ignored[:2] == ("True", "Immutable")
    assert ignored[2].startswith(f"{told}: ")


def test_the_condition_goes_when_the_spec_is_what_was_accepted_again(world: World) -> None:
    world.session()
    world.session(retries=1)
    world.session(retries=0)
    assert world.condition("SpecIgnored") is None


def test_the_same_spec_in_other_words_is_no_change(world: World) -> None:
    world.session()
    world.session(timeout="1h", ttl=None, retries=0, workspace=None)
    assert world.condition("SpecIgnored") is None


def test_a_duration_of_the_same_length_written_otherwise_is_a_change(world: World) -> None:
    """The API server compares texts, and so does this."""
    world.session(timeout="1h")
    world.session(timeout="60m")
    assert world.slice()["spec"]["timeout"] == "1h"
    assert world.condition("SpecIgnored") is not None


def test_suspend_may_change_back_and_forth(world: World) -> None:
    world.agent()
    world.session()
    for suspend in (True, False):
        world.session(suspend=suspend)
        assert world.condition("SpecIgnored") is None
        assert world.manifests()["Job"]["spec"]["suspend"] is suspend


def test_an_invalid_later_version_changes_nothing_and_says_so(world: World) -> None:
    world.running(suspend=False)
    before, rendered = world.slice(), world.manifests()
    world.session(timeout="soon", suspend=True)
    after = world.slice()
    assert {**after, "conditions": None} == {**before, "conditions": None}
    assert world.manifests() == rendered
    assert world.condition("Accepted") == ("True", "Valid", "")
    ignored = world.condition("SpecIgnored")
    assert ignored is not None
    assert ignored[2].startswith("spec.timeout: ")


def test_a_version_without_a_spec_changes_nothing(world: World) -> None:
    world.session()
    before = world.slice()["spec"]
    refused = {
        "actor": {"authenticated": False, "name": "tester"},
        "deleting": False,
        "fields": [],
        "object": {"metadata": {"name": "run", "namespace": "default", "uid": None}},
        "refused": [{"path": "spec", "rule": "required, and missing"}],
    }
    after = world.reduce("SessionObserved", refused)
    assert after["spec"] == before
    assert after["conditions"][1]["message"].startswith("spec: required, and missing")


def test_one_that_was_refused_may_still_be_corrected(world: World) -> None:
    world.session(timeout="soon")
    assert "spec" not in world.slice()
    world.session(timeout="1m")
    assert world.slice()["spec"]["timeout"] == "1m"
    assert world.condition("SpecIgnored") is None


def test_another_uid_is_a_new_session(world: World) -> None:
    world.running(uid=UID)
    world.session(uid=OTHER, retries=2)
    assert world.slice()["spec"]["retries"] == 2
    assert world.phase() == "Pending"
    assert world.slice()["agent"] is None
    assert world.condition("SpecIgnored") is None


def test_another_uid_with_an_invalid_spec_is_a_refused_session(world: World) -> None:
    world.running(uid=UID)
    world.session(uid=OTHER, retries=-1)
    assert set(world.slice()) == {"conditions", "deleting", "metadata"}
    assert world.manifests() == {}


def test_one_without_a_uid_is_the_same_once_it_has_one(world: World) -> None:
    world.running()
    job = world.job()
    world.session(uid=UID, retries=2)
    assert world.phase() == "Running"
    assert world.slice()["metadata"]["uid"] == UID
    assert world.slice()["spec"]["retries"] == 0
    assert world.job() == job
    (owner,) = world.manifests()["Job"]["metadata"]["ownerReferences"]
    assert owner["uid"] == UID


def test_one_that_is_deleted_and_comes_again_is_new(world: World) -> None:
    world.running()
    world.delete("Session", "run")
    assert world.manifests() == {}
    world.session(retries=3)
    assert (world.phase(), world.slice()["spec"]["retries"]) == ("Pending", 3)


def test_a_deletion_that_has_begun_changes_nothing_else(world: World) -> None:
    world.running()
    before = world.slice()
    payload = world.pipeline.state.newest[world.subject()].payload
    after = world.reduce("SessionObserved", {**payload, "deleting": True})
    assert after == {**before, "deleting": True}
