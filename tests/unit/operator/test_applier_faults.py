"""Whatever goes wrong on the way, the applier gets there, and makes nothing twice."""

from __future__ import annotations

from itertools import pairwise

import pytest

from rynxs.operator.cluster import ClusterError
from tests.unit.operator.rig import CONFIG, POLICY, SUBJECT, Rig, asked, config, policy, sets
from tests.unit.operator.virtual_time import now_s, run

LOST = ClusterError(0, "", "the connection was lost")
BUSY = ClusterError(429, "TooManyRequests", "try later", retry_after_s=20.0)
BROKEN = ClusterError(500, "InternalError", "etcd is slow")
FORBIDDEN = ClusterError(403, "Forbidden", "cannot create configmaps")


@pytest.mark.parametrize("error", [LOST, BUSY, BROKEN], ids=str)
@pytest.mark.parametrize("persisted", [False, True])
@pytest.mark.parametrize("hears", [False, True])
@pytest.mark.parametrize("verb", ["create", "apply", "delete"])
def test_a_write_that_fails_or_whose_answer_is_lost_is_made_up_for(
    verb: str, hears: bool, persisted: bool, error: ClusterError
) -> None:
    async def scenario() -> None:
        rig = Rig()
        if verb != "create":
            await rig.bring_about(asked(1, config(a="1")))
        wanted = [] if verb == "delete" else [config(a="2")]
        rig.cluster.fail(verb, error, persisted=persisted)
        rig.want(asked(2, *wanted))
        await rig.settle(hears=hears)
        assert rig.cluster.ids() == [CONFIG] * len(wanted)
        if wanted:
            made = rig.cluster.show(CONFIG)
            assert (made["metadata"]["uid"], made["data"]) == ("uid-1", {"a": "2"})
        assert rig.written() == [(verb, CONFIG)]
        assert [(each.id, each.reason, each.attempt) for each in rig.not_done()] == [
            (CONFIG, str(error), 1)
        ]
        action = "deleted" if verb == "delete" else "applied"
        heard_only = verb == "delete" and persisted and hears
        assert rig.done() == [(2, [] if heard_only else [(CONFIG, action)])]

    run(scenario())


def test_an_update_of_what_has_changed_meanwhile_is_made_over_what_is_there_now() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(asked(1, config(a="1")))
        rig.cluster.edit(CONFIG, sets(a="9", mine="yes"))
        rig.want(asked(2, config(a="2")))
        await rig.settle(hears=False)
        assert rig.cluster.show(CONFIG)["data"] == {"a": "2"}
        assert rig.written() == [("apply", CONFIG)]
        assert rig.done() == [(2, [(CONFIG, "applied")])]
        assert rig.not_done() == []

    run(scenario())


def test_an_update_of_what_has_gone_meanwhile_makes_it_anew() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(asked(1, config(a="1")))
        rig.cluster.remove(CONFIG)
        rig.want(asked(2, config(a="2")))
        await rig.settle(hears=False)
        assert rig.cluster.show(CONFIG)["data"] == {"a": "2"}
        assert rig.written() == [("create", CONFIG)]

    run(scenario())


@pytest.mark.parametrize("bodies", [(), (config(a="2"),)], ids=["deletion", "update"])
def test_an_object_that_somebody_else_has_put_in_its_place_meanwhile_stays(
    bodies: tuple[dict[str, object], ...],
) -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(asked(1, config(a="1")))
        rig.cluster.remove(CONFIG)
        rig.cluster.make(config(mine="yes"))
        before = rig.cluster.show(CONFIG)
        rig.want(asked(2, *bodies))
        for _ in range(20):
            rig.applier.look(SUBJECT)
            await rig.pass_time(0.5)
        assert rig.cluster.show(CONFIG) == before
        assert rig.written() == []

    run(scenario())


def test_a_deletion_of_what_has_changed_meanwhile_deletes_what_is_there_now() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(asked(1, config(a="1")))
        rig.cluster.edit(CONFIG, sets(a="9"))
        rig.want(asked(2))
        await rig.settle(hears=False)
        assert rig.cluster.ids() == []
        assert rig.done() == [(2, [(CONFIG, "deleted")])]

    run(scenario())


def test_an_object_that_changes_under_every_try_is_left_alone_for_a_while() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(asked(1, config(a="1")))
        pauses = [rig.cluster.pause("apply") for _ in range(5)]
        rig.want(asked(2, config(a="2")))
        for number, pause in enumerate(pauses):
            await pause.entered.wait()
            rig.cluster.edit(CONFIG, sets(mine=str(number)))
            pause.resume.set()
        await rig.settle()
        assert [each.reason for each in rig.not_done()] == [
            f"409 Conflict: {CONFIG} has been modified"
        ]
        assert rig.cluster.show(CONFIG)["data"] == {"a": "2"}

    run(scenario())


def test_a_conflict_after_which_nothing_can_be_read_or_nothing_has_changed_is_a_failure() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(asked(1, config(a="1")))
        conflict = ClusterError(409, "Conflict", "so it says")
        rig.cluster.fail("apply", conflict, times=2)
        rig.cluster.fail("get", FORBIDDEN)
        rig.want(asked(2, config(a="2")))
        await rig.settle()
        assert [each.reason for each in rig.not_done()] == [str(FORBIDDEN), str(conflict)]
        assert rig.cluster.show(CONFIG)["data"] == {"a": "2"}

    run(scenario())


def test_retries_wait_longer_each_time_and_count_the_failures_in_a_row() -> None:
    async def scenario() -> None:
        rig = Rig()
        rig.cluster.fail("create", FORBIDDEN, times=12)
        rig.want(asked(1, config(a="1")))
        await rig.settle()
        times = [each.at_s for each in rig.cluster.asked]
        waits = [round(after - before, 3) for before, after in pairwise(times)]
        assert waits == [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
        assert [each.attempt for each in rig.not_done()] == list(range(1, 13))
        rig.told.clear()
        rig.cluster.fail("apply", FORBIDDEN)
        rig.want(asked(2, config(a="2")))
        await rig.settle()
        assert [each.attempt for each in rig.not_done()] == [1]

    run(scenario())


def test_failures_are_counted_anew_once_the_plan_was_done() -> None:
    async def scenario() -> None:
        rig = Rig()
        rig.cluster.fail("create", FORBIDDEN, times=3)
        rig.want(asked(1, config(a="1")))
        await rig.settle()
        rig.cluster.fail("apply", FORBIDDEN)
        rig.cluster.edit(CONFIG, sets(a="9"))
        await rig.settle()
        assert [each.attempt for each in rig.not_done()] == [1, 2, 3, 1]
        assert rig.cluster.show(CONFIG)["data"] == {"a": "1"}

    run(scenario())


def test_a_newer_plan_ends_the_wait() -> None:
    async def scenario() -> None:
        rig = Rig()
        rig.cluster.fail("create", FORBIDDEN, times=10)
        rig.want(asked(1, config(a="1")))
        await rig.pass_time(500)
        assert len(rig.not_done()) == 10
        begun_s = now_s()
        rig.want(asked(2, config(a="2")))
        await rig.settle()
        assert now_s() - begun_s < 1
        assert rig.done() == [(2, [(CONFIG, "applied")])]

    run(scenario())


def test_a_cluster_that_asks_to_be_left_alone_is_for_so_long() -> None:
    async def scenario() -> None:
        rig = Rig()
        rig.cluster.fail("create", BUSY)
        rig.want(asked(1, config(a="1")))
        await rig.settle()
        first, second = (each.at_s for each in rig.cluster.asked)
        assert second - first == 20

    run(scenario())


def test_a_look_does_not_shorten_the_wait_and_what_comes_before_is_set_right_meanwhile() -> None:
    async def scenario() -> None:
        rig = Rig()
        rig.cluster.fail("create", FORBIDDEN, identifier=CONFIG, times=9)
        rig.want(asked(1, policy(), config(a="1")))
        await rig.pass_time(100)
        failures = len(rig.not_done())
        assert failures == 8  # the next is due 27.5 s from now
        rig.cluster.edit(POLICY, lambda body: body["spec"].update(egress=[{}]))
        for _ in range(10):
            rig.applier.look(SUBJECT)
            await rig.pass_time(1)
        assert "egress" not in rig.cluster.show(POLICY)["spec"]
        assert len(rig.not_done()) == failures

    run(scenario())


def test_what_others_do_to_one_subject_does_not_hold_up_another() -> None:
    async def scenario() -> None:
        rig = Rig(concurrency=1)
        rig.cluster.fail("create", FORBIDDEN, identifier=CONFIG, times=100)
        rig.want(asked(1, config(a="1")))
        rig.want(asked(2, config("b", a="1"), subject="example.org/Thing/default/b"))
        await rig.pass_time(1)
        assert rig.done() == [(2, [("v1/ConfigMap/default/b", "applied")])]

    run(scenario())


def test_a_namespace_that_is_missing_is_a_failure_like_any_other() -> None:
    async def scenario() -> None:
        rig = Rig()
        missing = ClusterError(404, "NotFound", 'namespaces "default" not found')
        rig.cluster.fail("create", missing)
        rig.want(asked(1, config(a="1")))
        await rig.settle()
        assert [each.reason for each in rig.not_done()] == [str(missing)]
        assert rig.cluster.ids() == [CONFIG]

    run(scenario())


def test_an_object_whose_label_was_taken_is_gone_for_the_watch_and_yet_set_right() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(asked(1, config(a="1")))
        rig.cluster.edit(CONFIG, lambda body: body["metadata"].pop("labels"))
        await rig.settle()
        assert rig.cluster.show(CONFIG)["metadata"]["uid"] == "uid-1"
        assert rig.cluster.show(CONFIG)["metadata"]["labels"] == config()["metadata"]["labels"]
        assert rig.written() == [("apply", CONFIG)]

    run(scenario())
