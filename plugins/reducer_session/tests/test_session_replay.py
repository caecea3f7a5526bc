"""A session is a function of the log: replayed at any time, it is what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rynxs.engine.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import World

UIDS = [None, *(f"00000000-0000-4000-8000-00000000000{digit}" for digit in "12")]
ENDED = {"Succeeded", "Failed", "Expired"}
YEAR_S = 366 * 86_400


def true(kind: str, **more: str) -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": "True", **more}]}


STATUSES = [
    {},
    {"active": 1},
    true("Suspended"),
    true("Complete"),
    true("Failed", reason="BackoffLimitExceeded"),
    true("Failed", reason="DeadlineExceeded"),
]
AGENTS = st.fixed_dictionaries(
    {},
    optional={
        "suspend": st.booleans(),
        "role": st.sampled_from(["worker", "manager", "boss"]),
        "workspace": st.just({"size": "1Gi"}),
    },
)
SESSIONS = st.fixed_dictionaries(
    {"uid": st.sampled_from(UIDS)},
    optional={
        "retries": st.integers(-1, 1),
        "suspend": st.booleans(),
        "timeout": st.sampled_from(["10s", "1h", "soon"]),
        "ttl": st.just("5s"),
        "workspace": st.sampled_from([{"kind": "agent"}, {"kind": "own", "size": "1Gi"}]),
    },
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("agent"), AGENTS),
        st.tuples(st.just("session"), SESSIONS),
        st.tuples(st.just("saw"), st.sampled_from(STATUSES)),
        st.tuples(st.just("passes"), st.integers(0, 20)),
        st.tuples(st.just("delete"), st.sampled_from(["Agent", "Session"])),
    ),
    max_size=12,
)
some = settings(deadline=None, max_examples=40)


def take(world: World, step: tuple[str, Any]) -> None:
    """Let something happen; what needs an object that is not there does not."""
    what, detail = step
    names = {"Agent": "worker", "Session": "run"}
    live = world.pipeline.state.newest
    if what in {"agent", "session"}:
        getattr(world, what)(**detail)
    elif what == "passes":
        world.passes(detail)
    elif what == "saw" and world.subject() in live:
        world.saw(detail)
    elif what == "delete" and f"universe.ai/{detail}/default/{names[detail]}" in live:
        world.delete(detail, names[detail])


def drive(world: World, steps: list[tuple[str, Any]]) -> World:
    for step in steps:
        take(world, step)
    return world


def nothing_recorded(subject: str, identifier: str, seq: int) -> None:
    return None


def slices(state: Any) -> list[Any]:
    return list(state.slices.items())


def test_a_replay_years_later_gives_the_same_slices(world: World) -> None:
    world.running(timeout="10s", ttl="5s")
    for seconds in (4, 6, 3, 2):
        world.passes(seconds)
    events = world.events()
    assert [each.kind for each in events].count("DeadlineReached") == 2
    world.clock.at_us += 100 * YEAR_S * 1_000_000
    replay = Replay(world.composition)
    for event in events:
        replay.check(event, nothing_recorded)
    assert slices(replay.state) == slices(world.pipeline.state)
    assert replay.compared == sum(event.kind == "Planned" for event in events)


def test_a_process_that_starts_years_later_knows_what_was_and_records_what_is_due(
    world: World,
) -> None:
    world.running(timeout="10s")
    world.passes(4)
    events = world.events()
    world.clock.at_us += YEAR_S * 1_000_000
    later = world.new_pipeline()
    for event in events:
        later.fold(event)
    later.resume()
    assert later.take_entries() == []
    assert slices(later.state) == slices(world.pipeline.state)
    later.reach_deadlines()
    kinds = [entry.kind for entry in later.take_entries()]
    assert kinds == ["EpochStarted", "DeadlineReached", "Planned"]


@some
@given(STEPS)
def test_whatever_happens_a_replay_gives_the_same(
    worlds: Callable[..., World], steps: list[tuple[str, Any]]
) -> None:
    world = drive(worlds(), steps)
    events = world.events()
    world.clock.at_us += YEAR_S * 1_000_000
    replay = Replay(world.composition)
    for event in events:
        replay.check(event, nothing_recorded)
    assert replay.state.digest() == world.pipeline.state.digest()
    assert replay.compared == sum(event.kind == "Planned" for event in events)


@some
@given(STEPS)
def test_whatever_happens_what_has_ended_and_what_was_accepted_stays(
    worlds: Callable[..., World], steps: list[tuple[str, Any]]
) -> None:
    """Until the session is deleted, or another one by its name comes."""
    world = worlds()
    for step in steps:
        before = world.pipeline.state.slices.get(world.subject())
        take(world, step)
        after = world.pipeline.state.slices.get(world.subject())
        if before is None or after is None or "spec" not in before or "spec" not in after:
            continue
        uids = {each["metadata"]["uid"] for each in (before, after)} - {None}
        if len(uids) > 1:
            assert after["run"]["phase"] == "Pending"
            continue
        assert {**after["spec"], "suspend": None} == {**before["spec"], "suspend": None}
        if before["run"]["phase"] in ENDED:
            assert {**after["run"], "collected": None} == {**before["run"], "collected": None}
            assert after["run"]["collected"] >= before["run"]["collected"]
