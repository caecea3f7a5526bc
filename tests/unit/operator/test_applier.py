"""The applier brings the cluster to what the newest plans ask for, and touches nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from rynxs.errors import SinkConflict
from rynxs.operator.applier import Doubted
from rynxs.operator.reconciling import LATER_EPOCH, Drift
from rynxs.operator.stamp import Stamp, stamp_of
from tests.unit.operator.rig import (
    CONFIG,
    ORIGIN,
    POLICY,
    SUBJECT,
    Rig,
    asked,
    config,
    manifest,
    policy,
    sets,
)
from tests.unit.operator.virtual_time import run

OTHER = "example.org/Thing/default/b"


def test_it_makes_what_a_plan_asks_for_in_its_order_with_stamps_and_tells_so() -> None:
    async def scenario() -> None:
        rig = Rig()
        rig.want(asked(7, policy(), config(a="1")))
        await rig.settle()
        assert rig.written() == [("create", POLICY), ("create", CONFIG)]
        assert rig.done() == [(7, [(POLICY, "applied"), (CONFIG, "applied")])]
        assert len(rig.told) == 1
        made = rig.cluster.show(CONFIG)
        assert made["data"] == {"a": "1"}
        digest = manifest(config(a="1")).digest
        assert stamp_of(made["metadata"]) == Stamp(ORIGIN, SUBJECT, 7, 1, digest)

    run(scenario())


def test_what_is_as_asked_and_recorded_as_applied_takes_no_write_and_tells_nothing() -> None:
    async def scenario() -> None:
        rig = Rig()
        plan = asked(7, policy(), config(a="1"))
        await rig.bring_about(plan)
        later = Rig(rig.cluster)
        later.deliver()
        later.want(plan, applied=7)
        await later.settle()
        later.applier.look(SUBJECT)
        await later.settle()
        assert rig.cluster.asked == []
        assert later.told == []

    run(scenario())


def test_the_next_leader_tells_what_was_applied_and_not_recorded_without_a_write() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(asked(5, policy()))
        await rig.bring_about(asked(7, policy(), config(a="1")))
        later = Rig(rig.cluster)
        later.deliver()
        later.want(asked(7, policy(), config(a="1"), epoch=2), applied=5)
        await later.settle()
        assert rig.cluster.asked == []
        assert later.done() == [(7, [(CONFIG, "applied")])]

    run(scenario())


def test_a_changed_manifest_is_applied_and_the_others_are_left_alone() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(asked(5, policy(), config(a="1", b="1")))
        rig.want(asked(9, policy(), config(a="2")))
        await rig.settle()
        assert rig.written() == [("apply", CONFIG)]
        assert rig.cluster.show(CONFIG)["data"] == {"a": "2"}
        assert rig.done() == [(9, [(CONFIG, "applied")])]

    run(scenario())


def test_a_newer_plan_ends_the_work_on_an_older_one() -> None:
    async def scenario() -> None:
        rig = Rig()
        pause = rig.cluster.pause("create", CONFIG)
        rig.want(asked(1, config(a="1"), config("b", a="1"), config("c", a="1")))
        await pause.entered.wait()
        rig.want(asked(2, config(a="2")))
        rig.want(asked(3, config(a="3"), config("c", a="3")))
        pause.resume.set()
        await rig.settle()
        assert rig.cluster.ids() == [CONFIG, "v1/ConfigMap/default/c"]
        assert rig.cluster.show(CONFIG)["data"] == {"a": "3"}
        assert [verb for verb, _ in rig.written()] == ["create", "apply", "create"]
        assert [seq for seq, _ in rig.done()] == [3]

    run(scenario())


def test_only_so_many_subjects_are_worked_on_at_once_and_each_in_its_order() -> None:
    async def scenario() -> None:
        rig = Rig(concurrency=3)
        rig.cluster.latency_s = 1.0
        for number in range(10):
            bodies = [config(f"{number}-{step}", a="1") for step in range(4)]
            rig.want(asked(number, *bodies, subject=f"example.org/Thing/default/{number}"))
        await rig.settle()
        assert rig.cluster.running_max == 3
        names = [identifier.rpartition("/")[2] for _, identifier in rig.written()]
        assert len(names) == 40
        for number in range(10):
            own = [name for name in names if name.startswith(f"{number}-")]
            assert own == [f"{number}-{step}" for step in range(4)]

    run(scenario())


def test_nothing_is_written_once_it_may_not_and_the_reason_is_raised() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(asked(1, config(a="1"), config("b", a="1")))
        rig.fence = SinkConflict("fenced")
        rig.want(asked(2, config(a="2")))
        with pytest.raises(SinkConflict, match="fenced"):
            await rig.applier.failed()
        rig.fence = None
        rig.want(asked(3, config(a="3")))
        rig.want(asked(4, config("c", a="1"), subject=OTHER))
        rig.applier.look(SUBJECT)
        await rig.settle()
        assert rig.written() == []
        assert rig.told == []

    run(scenario())


def test_it_may_lose_the_right_to_write_between_two_steps() -> None:
    async def scenario() -> None:
        rig = Rig()
        pause = rig.cluster.pause("create", CONFIG)
        rig.want(asked(1, config(a="1"), config("b", a="1")))
        await pause.entered.wait()
        rig.fence = SinkConflict("fenced")
        pause.resume.set()
        with pytest.raises(SinkConflict, match="fenced"):
            await rig.applier.failed()
        assert rig.written() == [("create", CONFIG)]

    run(scenario())


def test_an_object_that_is_not_of_rynxs_stays_and_is_told_until_it_is_out_of_the_way() -> None:
    async def scenario() -> None:
        rig = Rig()
        foreign = config(mine="yes")
        foreign["metadata"] = {"name": "a", "namespace": "default"}
        rig.cluster.make(foreign)
        before = rig.cluster.show(CONFIG)
        rig.want(asked(1, config(a="1")))
        await rig.pass_time(60)
        assert rig.written() == []
        assert rig.cluster.show(CONFIG) == before
        assert {each.id for each in rig.not_done()} == {CONFIG}
        assert {each.reason for each in rig.not_done()} == {
            "an object of this name is there, and is not of rynxs; rename or delete it"
        }
        rig.cluster.remove(CONFIG)
        await rig.settle()
        assert rig.written() == [("create", CONFIG)]
        assert rig.done() == [(1, [(CONFIG, "applied")])]

    run(scenario())


def test_what_is_heard_to_be_out_of_the_way_is_made_at_once() -> None:
    async def scenario() -> None:
        rig = Rig()
        await Rig(rig.cluster).bring_about(asked(1, config(a="1"), subject=OTHER))
        rig.want(asked(2, config(a="2")))
        await rig.pass_time(100)
        rig.cluster.remove(CONFIG)
        await rig.pass_time(1)
        assert rig.written() == [("create", CONFIG)]

    run(scenario())


@pytest.mark.parametrize("whose", ["subject", "origin"])
def test_objects_of_another_subject_or_log_are_neither_changed_nor_deleted(whose: str) -> None:
    async def scenario() -> None:
        cluster = Rig().cluster
        owner = asked(1, config(a="1"), config("b", a="1"), subject=OTHER)
        if whose == "origin":
            owner = owner._replace(origin="other.example", subject=SUBJECT)
        await Rig(cluster).bring_about(owner)
        before = [cluster.show(each) for each in cluster.ids()]
        rig = Rig(cluster)
        rig.deliver()
        rig.want(asked(2, config(a="2")))
        await rig.pass_time(10)
        rig.want(asked(3))
        await rig.settle()
        assert [cluster.show(each) for each in cluster.ids()] == before
        reason = f"an object of this name belongs to {owner.subject} of log {owner.origin}"
        assert {each.reason for each in rig.not_done()} == {reason}
        assert rig.written() == []

    run(scenario())


def test_a_later_epoch_of_another_log_is_in_the_way_and_no_more() -> None:
    async def scenario() -> None:
        rig = Rig()
        other = asked(1, config(a="1"), subject=OTHER, epoch=9)._replace(origin="other.example")
        await Rig(rig.cluster).bring_about(other)
        rig.deliver()
        rig.want(asked(2, config(a="2")))
        await rig.pass_time(1)
        assert {each.id for each in rig.not_done()} == {CONFIG}

    run(scenario())


def test_what_is_no_longer_asked_for_is_deleted_and_what_confines_pods_last() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(asked(1, policy(), config(a="1"), config("z", a="1")))
        rig.want(asked(2))
        await rig.settle()
        z = "v1/ConfigMap/default/z"
        assert rig.written() == [("delete", CONFIG), ("delete", z), ("delete", POLICY)]
        assert rig.done() == [(2, [(CONFIG, "deleted"), (z, "deleted"), (POLICY, "deleted")])]
        assert rig.cluster.ids() == []

    run(scenario())


def test_what_is_retained_or_kept_stays_when_it_is_no_longer_asked_for() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(asked(1, policy(), config(retain=True, a="1")))
        rig.want(asked(2, kept=frozenset({POLICY})))
        await rig.settle()
        assert rig.cluster.ids() == [POLICY, CONFIG]
        assert rig.written() == []
        assert rig.done() == [(2, [])]

    run(scenario())


def test_an_object_on_its_way_out_is_deleted_once_and_made_again_only_when_it_is_gone() -> None:
    async def scenario() -> None:
        rig = Rig()
        held = config(a="1")
        held["metadata"]["finalizers"] = ["example.org/held"]
        await rig.bring_about(asked(1, held))
        rig.want(asked(2))
        await rig.pass_time(60)
        rig.want(asked(3, held))
        await rig.pass_time(60)
        assert [verb for verb, _ in rig.written()] == ["delete"]
        rig.cluster.finish(CONFIG)
        await rig.settle()
        assert [verb for verb, _ in rig.written()] == ["delete", "create"]
        assert rig.cluster.show(CONFIG)["metadata"]["uid"] == "uid-2"

    run(scenario())


async def overtake(rig: Rig) -> None:
    """Let another one, of a later epoch, apply a plan over that of a first one."""
    await rig.bring_about(asked(1, config(a="1"), epoch=1))
    leader = Rig(rig.cluster)
    leader.deliver()
    leader.want(asked(5, config(a="5"), epoch=2))
    await leader.settle()
    rig.cluster.asked.clear()


def test_an_object_of_a_later_epoch_is_left_alone_until_it_is_known_who_leads() -> None:
    async def scenario() -> None:
        rig = Rig()
        await overtake(rig)
        await rig.settle()
        version = rig.cluster.show(CONFIG)["metadata"]["resourceVersion"]
        drift = Drift(CONFIG, [LATER_EPOCH], [])
        assert rig.doubted() == [Doubted(SUBJECT, drift, version)]
        assert rig.written() == []
        assert rig.cluster.show(CONFIG)["data"] == {"a": "5"}
        rig.applier.go_on(rig.doubted()[0])
        await rig.settle()
        assert rig.written() == [("apply", CONFIG)]
        assert rig.cluster.show(CONFIG)["data"] == {"a": "1"}
        assert [each.drift for each in rig.drifted()] == [drift]

    run(scenario())


def test_it_is_known_of_one_version_who_leads_and_not_of_the_next() -> None:
    async def scenario() -> None:
        rig = Rig()
        await overtake(rig)
        await rig.settle()
        (first,) = rig.doubted()
        rig.cluster.edit(CONFIG, sets(b="6"))
        rig.applier.go_on(first)
        await rig.settle()
        assert [each.version for each in rig.doubted()] == [
            first.version,
            rig.cluster.show(CONFIG)["metadata"]["resourceVersion"],
        ]
        assert rig.written() == []

    run(scenario())


@pytest.mark.parametrize("plan", [(config(a="4"),), ()], ids=["update", "deletion"])
def test_whoever_has_not_heard_of_a_later_epoch_learns_of_it_by_its_first_write(
    plan: tuple[dict[str, Any], ...],
) -> None:
    async def scenario() -> None:
        rig = Rig()
        await overtake(rig)
        rig.want(asked(4, *plan, epoch=1))
        await rig.settle(hears=False)
        assert [each.drift.id for each in rig.doubted()] == [CONFIG]
        assert rig.cluster.show(CONFIG)["data"] == {"a": "5"}

    run(scenario())


def test_other_objects_of_a_subject_are_brought_about_meanwhile() -> None:
    async def scenario() -> None:
        rig = Rig()
        await overtake(rig)
        rig.want(asked(4, config(a="4"), config("b", a="4"), epoch=1))
        await rig.settle()
        assert rig.written() == [("create", "v1/ConfigMap/default/b")]
        assert rig.done() == []

    run(scenario())


def test_an_object_seen_in_two_versions_of_its_api_is_not_deleted_as_the_older_one() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(asked(1, config(a="1")))
        old = "example.org/v1/Thing/default/a"
        rig.present.put(old, rig.cluster.show(CONFIG)["metadata"])
        rig.applier.look(SUBJECT)
        await rig.settle()
        assert rig.cluster.asked == []

    run(scenario())
