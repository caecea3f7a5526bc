from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs.engine.observation import Actor
from rynxs.report.findings import findings
from rynxs.report.timeline import KEYFRAME_EVERY

if TYPE_CHECKING:
    from tests.unit.report.conftest import Kit

ONE = "example.org/Note/default/one"


def put(value: Any, change: dict[str, Any]) -> Any:
    *parents, last = change["path"]
    for step in parents:
        value = value[step]
    if "after" not in change:
        del value[last]
    elif isinstance(value, list) and last == len(value):
        value.append(change["after"])
    else:
        value[last] = change["after"]


def test_the_changes_of_a_subject_make_its_state_at_every_point(kit: Kit) -> None:
    story = kit.story()
    story.note("one", text="a", tags=["x", "y"])
    story.note("two", text="b")
    story.note("one", text="c", tags=["y"])
    story.delete("two")
    story.note("one", text="c", tags=["y", "z"], size=2)
    entries = story.entries()
    states: dict[str, dict[str, Any]] = {}
    from rynxs.report.timeline import timeline

    steps = list(kit.steps(story.composition, entries))
    told = timeline(kit.steps(story.composition, entries))
    for (event, _), entry, (_, state) in zip(
        steps, told, kit.steps(story.composition, entries), strict=True
    ):
        if not event.subject:
            continue
        known = states.setdefault(event.subject, {"live": False, "manifests": {}})
        for change in entry.get("changes", ()):
            put(known, change)
        assert known.get("slice") == state.slices.get(event.subject)
        assert known["live"] == (state.observation(event.subject) is not None)
        assert known["manifests"] == {
            key: {"digest": value["digest"], "retain": value["retain"]}
            for key, value in (
                state.plans[event.subject].entries.items() if event.subject in state.plans else ()
            )
        }


def test_an_observation_says_who_asked_and_what_changed_with_both_sides(kit: Kit) -> None:
    story = kit.story()
    story.note("one", text="a")
    story.note("one", Actor("bob", True), text="b")
    entry = kit.timeline(story)[3]
    assert entry["kind"] == "NoteObserved"
    assert entry["title"] == "Note observed"
    assert entry["actor"] == {"name": "bob", "authenticated": True}
    assert entry["changes"] == [{"path": ["slice", "text"], "before": "a", "after": "b"}]
    assert "detail" not in entry


def test_groups_and_request_of_who_asked_are_told(kit: Kit) -> None:
    story = kit.story()
    story.note("one", Actor("bob", True, ("a", "b"), "r"), text="b")
    entry = kit.timeline(story)[1]
    assert entry["actor"] == Actor("bob", True, ("a", "b"), "r").as_json()
    assert "detail" not in entry


def test_a_plan_says_its_cause_and_which_manifests_differ(kit: Kit) -> None:
    story = kit.story()
    story.note("one", text="a")
    story.note("one", text="b")
    first, second = (entry for entry in kit.timeline(story) if entry["kind"] == "Planned")
    assert [change["path"] for change in first["changes"]] == [
        ["manifests", "v1/ConfigMap/default/one"]
    ]
    assert [change["path"] for change in second["changes"]] == [
        ["manifests", "v1/ConfigMap/default/one", "digest"]
    ]
    assert second["cause"] == 3


def test_a_refused_observation_is_a_finding_and_names_fields_only(kit: Kit) -> None:
    story = kit.story()
    story.note("one", size="enormous")
    entry = kit.timeline(story)[1]
    assert entry["title"] == "Note observed and refused"
    assert entry["detail"]["fields"] == ["spec.size"]
    assert "enormous" not in str(entry)
    assert {"refusedObservations": [1]}.items() <= _found([entry]).items()


@pytest.mark.parametrize(
    ("kind", "body", "group"),
    [
        ("ApplyFailed", {"attempt": 2, "id": "v1/X/a/b", "reason": "no"}, "failedApplies"),
        ("DriftObserved", {"fields": ["a"], "id": "v1/X/a/b", "managers": ["me"]}, "drift"),
    ],
)
def test_events_of_the_cluster_are_told_whole_and_found(
    kit: Kit, kind: str, body: dict[str, Any], group: str
) -> None:
    story = kit.story()
    story.note("one", text="a")
    story.emit(kind, ONE, body, 2)
    entries = kit.timeline(story)
    assert entries[3]["detail"] == body
    assert entries[3]["cause"] == 2
    assert _found(entries)[group] == [3]


def test_an_event_of_an_unknown_kind_is_told_by_its_payload(kit: Kit) -> None:
    story = kit.story()
    story.note("one", text="a")
    story.emit("MoonRose", ONE, {"actor": "not a map", "phase": 3}, 1)
    entry = kit.timeline(story)[3]
    assert entry["title"] == "MoonRose"
    assert entry["detail"] == {"actor": "not a map", "phase": 3}


def test_of_an_erased_event_only_its_header_is_told_and_the_state_is_unknown(kit: Kit) -> None:
    story = kit.story()
    story.note("one", text="secret")
    story.note("one", text="plain")
    entries = kit.timeline(story, erased=(1, 2))
    erased = entries[1]
    assert erased["erased"] is True
    assert "detail" not in erased
    assert "actor" not in erased
    assert {"path": ["sliceUnknown"], "after": True} in erased["changes"]
    assert {"path": ["manifestsUnknown"], "after": True} in entries[2]["changes"]
    assert "secret" not in str(entries)
    assert {"path": ["sliceUnknown"], "before": True} in entries[3]["changes"]
    assert _found(entries)["erasedPayloads"] == [1, 2]


def test_every_so_many_events_of_a_subject_the_state_is_told_whole(kit: Kit) -> None:
    story = kit.story()
    for number in range(KEYFRAME_EVERY):
        story.note("one", size=number)
    entries = kit.timeline(story)
    whole = [entry for entry in entries if "state" in entry]
    assert len(whole) == len([e for e in entries if e["subject"] == ONE]) // KEYFRAME_EVERY
    assert whole[0]["state"]["live"] is True
    assert "slice" in whole[0]["state"]


def _found(entries: list[dict[str, Any]]) -> dict[str, list[int]]:
    return {group["name"]: group["seqs"] for group in findings(entries)}
