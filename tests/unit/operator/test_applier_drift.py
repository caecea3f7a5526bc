"""What others change of an object is told, and set right; the more often, the later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs.operator.applier import Drifted
from rynxs.operator.reconciling import Drift
from rynxs.operator.stamp import EPOCH
from tests.unit.operator.rig import CONFIG, POLICY, SUBJECT, Rig, asked, config, policy, sets
from tests.unit.operator.virtual_time import now_s, run

if TYPE_CHECKING:
    from collections.abc import Callable

PLAN = asked(1, policy(), config(a="1", b="1"))


def taken(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda body: body["data"].pop(name)


@pytest.mark.parametrize(
    ("identifier", "change", "fields", "managers"),
    [
        (CONFIG, sets(a="2"), ["data.a"], ["kubectl"]),
        (CONFIG, sets(a="2", b="2"), ["data.a", "data.b"], ["kubectl"]),
        (CONFIG, taken("a"), ["data.a"], []),
        (POLICY, lambda body: body["spec"].update(egress=[{}]), ["spec.egress"], ["kubectl"]),
        (
            POLICY,
            lambda body: body["spec"].update(podSelector={"matchLabels": {"a": "b"}}),
            ["spec.podSelector"],
            ["kubectl"],
        ),
    ],
)
def test_an_edit_is_told_once_and_set_right(
    identifier: str,
    change: Callable[[dict[str, Any]], object],
    fields: list[str],
    managers: list[str],
) -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(PLAN)
        before = rig.cluster.show(identifier)
        rig.cluster.edit(identifier, change)
        await rig.settle()
        after = rig.cluster.show(identifier)
        assert [after.get(name) for name in ("data", "spec")] == [
            before.get(name) for name in ("data", "spec")
        ]
        assert rig.drifted() == [Drifted(SUBJECT, Drift(identifier, fields, managers), 1)]
        assert rig.done() == [(1, [(identifier, "applied")])]
        rig.applier.look(SUBJECT)
        await rig.settle()
        assert rig.written() == [("apply", identifier)]
        assert len(rig.told) == 2

    run(scenario())


def test_what_nobody_asked_for_is_taken_away_and_told() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(PLAN)
        rig.cluster.edit(CONFIG, sets(mine="yes"))
        await rig.settle()
        assert rig.drifted() == [Drifted(SUBJECT, Drift(CONFIG, ["data.mine"], ["kubectl"]), 1)]
        assert "mine" not in rig.cluster.show(CONFIG)["data"]

    run(scenario())


def test_an_annotation_may_be_added_and_a_status_is_not_looked_at() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(PLAN)
        rig.cluster.edit(CONFIG, lambda body: body["metadata"]["annotations"].update(mine="yes"))
        rig.cluster.edit(CONFIG, lambda body: body.update(status={"a": 1}), "k8s", "status")
        await rig.settle()
        assert rig.told == []
        assert rig.cluster.asked == []

    run(scenario())


def test_an_object_deleted_by_hand_is_told_as_gone_and_made_again() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(PLAN)
        rig.cluster.remove(CONFIG)
        await rig.settle()
        assert rig.drifted() == [Drifted(SUBJECT, Drift(CONFIG, [], []), 1)]
        assert rig.done() == [(1, [(CONFIG, "applied")])]
        assert rig.cluster.show(CONFIG)["metadata"]["uid"] == "uid-3"

    run(scenario())


async def fight(rig: Rig, edits: int, undo: Callable[[], None]) -> list[float]:
    """Undo each repair as soon as it is there; return how long each one took."""
    waits = []
    for _ in range(edits):
        begun_s = now_s()
        undo()
        await rig.settle()
        waits.append(round(rig.cluster.writes[-1].at_s - begun_s, 3))
    return waits


@pytest.mark.parametrize("how", ["edit", "remove"])
def test_an_endless_fight_is_fought_more_and_more_slowly_and_told_at_powers_of_two(
    how: str,
) -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(PLAN)

        def undo() -> None:
            if how == "edit":
                rig.cluster.edit(CONFIG, sets(a="2"))
            else:
                rig.cluster.remove(CONFIG)

        waits = await fight(rig, 14, undo)
        assert waits == [0, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
        assert [each.times for each in rig.drifted()] == [1, 2, 4, 8]
        assert len(rig.done()) == 14

    run(scenario())


def test_the_other_objects_of_a_subject_are_set_right_at_once_meanwhile() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(PLAN)
        await fight(rig, 10, lambda: rig.cluster.edit(CONFIG, sets(a="2")))
        rig.cluster.edit(CONFIG, sets(a="2"))
        await rig.pass_time(1)
        rig.cluster.edit(POLICY, lambda body: body["spec"].update(egress=[{}]))
        await rig.pass_time(1)
        assert "egress" not in rig.cluster.show(POLICY)["spec"]
        assert rig.cluster.show(CONFIG)["data"]["a"] == "2"
        await rig.settle()
        assert rig.cluster.show(CONFIG)["data"]["a"] == "1"

    run(scenario())


def test_a_newer_plan_ends_the_wait_and_the_count() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(PLAN)
        await fight(rig, 10, lambda: rig.cluster.edit(CONFIG, sets(a="2")))
        rig.cluster.edit(CONFIG, sets(a="2"))
        await rig.pass_time(1)
        rig.told.clear()
        rig.want(asked(2, policy(), config(a="3", b="1")))
        await rig.pass_time(1)
        assert rig.cluster.show(CONFIG)["data"]["a"] == "3"
        rig.cluster.edit(CONFIG, sets(a="2"))
        await rig.pass_time(1)
        assert rig.cluster.show(CONFIG)["data"]["a"] == "3"
        assert [each.times for each in rig.drifted()] == [1]

    run(scenario())


def test_after_an_hour_of_peace_an_edit_is_a_first_one() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(PLAN)
        for _ in range(3):
            waits = await fight(rig, 3, lambda: rig.cluster.edit(CONFIG, sets(a="2")))
            assert waits == [0, 0.5, 1]
            await rig.pass_time(3601)
        assert [each.times for each in rig.drifted()] == [1, 2] * 3

    run(scenario())


def test_what_is_put_right_by_others_while_it_waits_takes_no_write() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(PLAN)
        await fight(rig, 5, lambda: rig.cluster.edit(CONFIG, sets(a="2")))
        rig.cluster.asked.clear()
        rig.cluster.remove(CONFIG)
        await rig.pass_time(1)
        rig.told.clear()
        other = Rig(rig.cluster)
        other.deliver()
        other.want(PLAN)
        await other.settle()
        assert rig.written() == [("create", CONFIG)]
        await rig.settle()
        assert rig.written() == [("create", CONFIG)]
        assert rig.done() == []

    run(scenario())


def test_a_change_of_another_kind_is_told_whenever_it_comes() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(PLAN)
        await fight(rig, 4, lambda: rig.cluster.edit(CONFIG, sets(a="2")))
        rig.told.clear()
        rig.cluster.edit(CONFIG, sets(b="2"), manager="helm")
        await rig.settle()
        assert rig.drifted() == [Drifted(SUBJECT, Drift(CONFIG, ["data.b"], ["helm"]), 5)]

    run(scenario())


def test_an_epoch_that_no_log_can_have_got_to_is_forged_and_set_right() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(PLAN)
        before = rig.cluster.show(CONFIG)["metadata"]["annotations"]
        forged = {EPOCH: str(2**62)}
        rig.cluster.edit(CONFIG, lambda body: body["metadata"]["annotations"].update(forged))
        await rig.settle()
        rig.applier.go_on(rig.doubted()[0])
        await rig.settle()
        fields = [f"metadata.annotations.{EPOCH}"]
        assert rig.drifted() == [Drifted(SUBJECT, Drift(CONFIG, fields, ["kubectl"]), 1)]
        assert rig.cluster.show(CONFIG)["metadata"]["annotations"] == before

    run(scenario())
