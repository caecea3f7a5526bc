"""A plan compared with what is there gives the steps to take, in order, and what others did."""

from __future__ import annotations

from typing import Any

import pytest

from rynxs.engine.plan import RETAIN_ANNOTATION
from rynxs.operator.reconciling import Asked, Create, Delete, Drift, Obstacle, Update, work
from rynxs.operator.stamp import DIGEST, EPOCH, SEQ, Stamp, stamp_of, stamped
from tests.unit.operator.rig import CONFIG, ORIGIN, POLICY, SUBJECT, asked, config, manifest, policy

PLAN = asked(7, policy(), config(a="1"), epoch=3)
OF_CONFIG: dict[str, Any] = {"f:data": {"f:a": {}}, "f:metadata": {"f:labels": {}}}


def metadata(body: dict[str, Any], plan: Asked = PLAN, **changed: Any) -> dict[str, Any]:
    """Return the metadata of a body that was applied for a plan."""
    stamp = Stamp(plan.origin, plan.subject, plan.seq, plan.epoch, manifest(body).digest)
    entry: dict[str, Any] = {"fieldsV1": OF_CONFIG, "manager": "rynxs", "operation": "Apply"}
    spec: dict[str, Any] = {"f:egress": {}, "f:podSelector": {}, "f:policyTypes": {}}
    if "spec" in body:
        entry["fieldsV1"] = {"f:metadata": {"f:labels": {}}, "f:spec": spec}
    known = {"managedFields": [entry], "resourceVersion": "5", "uid": "u"}
    found: dict[str, Any] = stamped(body, stamp)["metadata"]
    return {**found, **known, **changed}


def test_what_is_not_there_is_made_and_bears_the_plans_stamp() -> None:
    steps, drifts = work(PLAN, {})
    assert [type(step) for step in steps] == [Create, Create]
    assert [step.id for step in steps] == [POLICY, CONFIG]
    assert drifts == []
    step = steps[1]
    assert isinstance(step, Create)
    assert step.body["data"] == {"a": "1"}
    digest = manifest(config(a="1")).digest
    assert stamp_of(step.body["metadata"]) == Stamp(ORIGIN, SUBJECT, 7, 3, digest)
    assert config(a="1")["metadata"]["annotations"] == {}


def test_what_is_as_asked_takes_no_step_though_an_earlier_plan_asked_for_it() -> None:
    earlier = asked(2, policy(), config(a="1"), epoch=1)
    present = {
        POLICY: metadata(policy(), earlier, uid="p"),
        CONFIG: metadata(config(a="1"), earlier),
    }
    assert work(PLAN, present) == ([], [])


def test_what_differs_is_applied_over_what_was_read_and_over_nothing_else() -> None:
    before = metadata(config(a="0"))
    steps, drifts = work(asked(7, config(a="1"), epoch=3), {CONFIG: before})
    (step,) = steps
    assert isinstance(step, Update)
    assert step.entries == before["managedFields"]
    assert step.body["metadata"]["uid"] == "u"
    assert step.body["metadata"]["resourceVersion"] == "5"
    assert drifts == []  # what others changed of another plan's is not looked at


def test_what_others_have_changed_is_applied_again_and_told() -> None:
    entries = [
        {"fieldsV1": {"f:metadata": {"f:labels": {}}}, "manager": "rynxs", "operation": "Apply"},
        {"fieldsV1": {"f:data": {"f:a": {}}}, "manager": "foe", "operation": "Update"},
        {"fieldsV1": {"f:data": {"f:b": {}}}, "manager": "friend", "operation": "Update"},
    ]
    present = {CONFIG: metadata(config(a="1"), managedFields=entries)}
    steps, drifts = work(asked(7, config(a="1"), epoch=3), present)
    assert [type(step) for step in steps] == [Update]
    assert drifts == [Drift(CONFIG, ["data.a", "data.b"], ["foe", "friend"])]


def test_what_others_have_added_is_taken_away_and_told_also_beside_an_update() -> None:
    there = metadata(config(a="1"))
    fields: dict[str, Any] = {"f:data": {"f:b": {}}, "f:metadata": {"f:labels": {"f:c": {}}}}
    more = {"fieldsV1": fields, "manager": "friend", "operation": "Update"}
    there["managedFields"] = [*there["managedFields"], more]
    for body in (config(a="1"), config(a="2")):
        steps, drifts = work(asked(7, body, epoch=3), {CONFIG: there})
        assert [type(step) for step in steps] == [Update]
        assert drifts == [Drift(CONFIG, ["data.b"], ["friend"])]


def test_an_object_whose_stamp_tells_another_digest_is_applied_again() -> None:
    changed = metadata(config(a="1"))
    changed["annotations"] = {**changed["annotations"], DIGEST: "0"}
    steps, drifts = work(asked(7, config(a="1"), epoch=3), {CONFIG: changed})
    assert ([type(step) for step in steps], drifts) == ([Update], [])


@pytest.mark.parametrize("name", [SEQ, EPOCH, DIGEST])
def test_a_stamp_that_others_have_changed_is_applied_again_and_told(name: str) -> None:
    changed = metadata(config(a="1"))
    changed["annotations"] = {**changed["annotations"], name: "0"}
    fields: dict[str, Any] = {"f:metadata": {"f:annotations": {f"f:{name}": {}}}}
    forged = {"fieldsV1": fields, "manager": "foe", "operation": "Update"}
    changed["managedFields"] = [*changed["managedFields"], forged]
    steps, drifts = work(asked(7, config(a="1"), epoch=3), {CONFIG: changed})
    assert [type(step) for step in steps] == [Update]
    assert drifts == [Drift(CONFIG, [f"metadata.annotations.{name}"], ["foe"])]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (None, "an object of this name is there, and is not of rynxs; rename or delete it"),
        ({"origin": "o"}, f"an object of this name belongs to {SUBJECT} of log o"),
        ({"subject": "s"}, f"an object of this name belongs to s of log {ORIGIN}"),
    ],
)
def test_an_object_of_somebody_else_is_in_the_way(change: Any, reason: str) -> None:
    whose = asked(1)._replace(**(change or {}))
    found = metadata(config(a="1"), whose)
    if change is None:
        found["annotations"] = {}
    assert work(asked(7, config(a="1"), epoch=3), {CONFIG: found}) == (
        [Obstacle(CONFIG, reason)],
        [],
    )
    assert work(asked(7), {CONFIG: found}) == ([], [])


def test_the_objects_of_a_log_that_this_one_goes_on_from_are_its_own() -> None:
    before = asked(40)._replace(origin="log.example/before")
    present = {
        CONFIG: metadata(config(a="1"), before),
        "v1/Secret/default/z": metadata(config(a="1"), before, uid="z"),
    }
    after = asked(7, config(a="1"), epoch=3)._replace(predecessor="log.example/before")
    steps, drifts = work(after, present)
    assert [type(step) for step in steps] == [Update, Delete]
    assert drifts == []
    assert isinstance(steps[0], Update)
    assert steps[0].body["metadata"]["annotations"][SEQ] == "7"


def test_what_is_no_longer_asked_for_is_deleted_as_it_was_read_with_policies_last() -> None:
    present = {
        POLICY: metadata(policy(), uid="p"),
        CONFIG: metadata(config(a="1")),
        "v1/Secret/default/z": metadata(config(a="1"), uid="z"),
    }
    assert work(asked(8), present).steps == [
        Delete(CONFIG, "u", "5"),
        Delete("v1/Secret/default/z", "z", "5"),
        Delete(POLICY, "p", "5"),
    ]


def retains(manager: str) -> dict[str, Any]:
    """Return the field set of somebody who says that an object is to stay."""
    fields: dict[str, Any] = {"f:metadata": {"f:annotations": {f"f:{RETAIN_ANNOTATION}": {}}}}
    return {"manager": manager, "operation": "Update", "fieldsV1": fields}


@pytest.mark.parametrize(
    ("body", "kept", "changed"),
    [
        (config(retain=True, a="1"), frozenset(), {"managedFields": [retains("rynxs")]}),
        (config(a="1"), frozenset({CONFIG}), {}),
        (config(a="1"), frozenset(), {"deletionTimestamp": "2026-01-01T00:00:00Z"}),
    ],
    ids=["retained", "kept", "on its way out"],
)
def test_what_stays_or_is_going_is_not_deleted(
    body: dict[str, Any], kept: frozenset[str], changed: dict[str, Any]
) -> None:
    present = {CONFIG: metadata(body, **changed)}
    assert work(asked(8, kept=kept), present) == ([], [])


def test_only_a_volume_stays_because_somebody_else_says_so() -> None:
    said = metadata(config(retain=True, a="1"), managedFields=[retains("kubectl")])
    volume = "v1/PersistentVolumeClaim/default/a"
    present = {CONFIG: said, volume: {**said, "uid": "v"}}
    assert work(asked(8), present).steps == [Delete(CONFIG, "u", "5")]
