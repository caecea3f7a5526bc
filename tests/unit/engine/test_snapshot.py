"""Snapshots never change an answer, and are used only if the log vouches for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rynxs.embedded.snapshots import is_due, newest_usable, take
from rynxs.engine import snapshot
from rynxs.engine.event import Event
from rynxs.engine.pipeline import Pipeline
from rynxs.engine.state import State
from rynxs.eventlog import cbor
from rynxs.eventlog.chain import Chain, Tip
from rynxs.eventlog.log import Log
from rynxs.eventlog.merkle import Frontier
from rynxs.sources import system_sources
from rynxs.testing import MemorySink
from tests.unit.engine.test_replay import STEPS, plans_of

if TYPE_CHECKING:
    from rynxs.engine.composition import Composition
    from tests.unit.engine.conftest import Kit

Steps = list[tuple[str, dict[str, Any] | None]]
SUBJECTS = [f"example.org/Thing/default/{name}" for name in "abc"]
HYPOTHESIS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


class Story:
    """A log that grows, and its writer."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.sink = MemorySink()
        self.log = Log.open(self.sink)
        self.pipeline: Pipeline = kit.pipeline()

    def go_on(self, steps: Steps) -> None:
        for name, spec in steps:
            subject = f"example.org/Thing/default/{name}"
            if spec is not None:
                self.kit.observe(self.pipeline, name, **spec)
            elif self.pipeline.state.observation(subject) is not None:
                self.pipeline.delete(subject, self.kit.actor)
        self.log.append(self.pipeline.take_entries())

    def keep(self) -> str:
        return snapshot.object_name(take(self.pipeline, self.log, self.sink).size)

    def usable(self, composition: Composition | None = None, stop: int | None = None) -> int | None:
        restored = newest_usable(self.sink, composition or self.kit.composition(), stop)
        return restored and restored.state.size


@pytest.fixture
def story(kit: Kit) -> Story:
    return Story(kit)


def folded(sink: MemorySink, state: State, chain: Chain, stop: int) -> State:
    records = sink.records[chain.size : stop]
    for header, record in zip(chain.verify(records), records, strict=True):
        state.fold(Event.of_record(header, record))
    return state


def everything(state: State) -> Any:
    subjects = sorted({*SUBJECTS, *state.plans})
    newest = [state.observation(subject) for subject in subjects]
    return (
        *(state.size, state.epoch, state.time_us, state.digest(), state.live(), state.origin),
        *(state.unplanned, state.incidents, state.composition, state.snapshot, plans_of(state)),
        [(each.seq, each.cause, each.encoded) if each else None for each in newest],
        [state.manifests(subject) for subject in subjects],
        state.slices.items(),
    )


@given(STEPS, STEPS, STEPS, st.integers(0, 60))
@HYPOTHESIS
def test_replay_gives_the_same_with_and_without_snapshots(
    kit: Kit, first: Steps, second: Steps, third: Steps, cut: int
) -> None:
    story = Story(kit)
    for steps in (first, second):
        story.go_on(steps)
        story.keep()
    story.go_on(third)
    size = len(story.sink.records)
    for stop in {size, min(cut, size)}:
        restored = newest_usable(story.sink, kit.composition(), stop)
        whole = folded(story.sink, State(kit.composition()), Chain(), stop)
        if restored is not None:
            state, chain = restored
            assert everything(folded(story.sink, state, chain, stop)) == everything(whole)
            assert chain.frontier.root() == root_of(story.sink, stop)
    assert story.usable() is not None


def root_of(sink: MemorySink, stop: int) -> bytes:
    chain = Chain()
    chain.verify(sink.records[:stop])
    return chain.frontier.root()


def test_a_changed_byte_makes_a_snapshot_as_if_it_were_not_there(story: Story) -> None:
    story.go_on([("a", {"size": 1})])
    older = story.keep()
    story.go_on([("b", {"size": 1})])
    newer = story.keep()
    for name, usable in ((newer, int(older[-20:])), (older, None)):
        data = bytearray(story.sink.objects[name])
        data[len(data) // 2] ^= 1
        story.sink.objects[name] = bytes(data)
        assert story.usable() == usable


def test_a_changed_version_or_setting_makes_all_snapshots_void(kit: Kit, story: Story) -> None:
    class Newer(kit.Reducer):  # type: ignore[misc,name-defined]
        version = "2"

    story.go_on([("a", {"size": 1})])
    story.keep()
    assert story.usable() is not None
    assert story.usable(kit.composition(reducer=Newer())) is None
    assert story.usable(kit.composition(settings={"x": 1})) is None


def test_a_snapshot_that_no_record_vouches_for_is_not_used(kit: Kit, story: Story) -> None:
    story.go_on([("a", {"size": 1})])
    story.keep()
    story.go_on([("a", {"size": 2})])
    chain = Chain()
    chain.verify(story.sink.records)
    made = snapshot.encode(story.pipeline.state, chain, kit.composition(), bytes(16))
    used = story.usable()
    for name in (snapshot.object_name(chain.size), snapshot.object_name(4), "snapshots/x"):
        story.sink.put(name, made)
    assert story.usable() == used


def test_of_a_forged_record_that_vouches_for_garbage_nothing_is_used(
    kit: Kit, story: Story
) -> None:
    story.go_on([("a", {"size": 1})])
    for garbage in (b"", cbor.dumps([]), cbor.dumps([1, *([None] * 8)]), cbor.dumps({"a": 1})):
        name = snapshot.object_name(story.log.size)
        story.sink.put(name, garbage)
        story.pipeline.record_snapshot(story.log.size, snapshot.digest_of(garbage))
        story.log.append(story.pipeline.take_entries())
        assert story.usable() is None


NO_NUMBERS: list[Any] = [-1, True, 1.0, "1", None]
NO_TEXTS: list[Any] = [b"a", 1, None]
NO_SEQS: list[Any] = [
    {SUBJECTS[0]: 10**6},  # beyond the log
    *({SUBJECTS[0]: each} for each in NO_NUMBERS),
    {"a/b": 1},
    {"": 1},
    {1: 1},
    [1],
    None,
]
EVENT = [1, 1, 1, "ThingObserved", b"\xa0", None]
VERDICT = "example.org/ThingVerdict/default/a"
NO_MEMBERS: dict[int, list[Any]] = {  # by place
    1: NO_NUMBERS,  # size
    2: ["x" * 32, None, 1],  # head
    3: NO_NUMBERS,  # epoch
    4: NO_NUMBERS,  # time
    5: [["x" * 32], [b"x"], [None], 1, None],  # nodes of the frontier
    6: [{1: 2}, {"a": b"b"}, {}, [], None],  # composition
    7: [{}, [], None],  # what is kept
    8: [[["a"]], [[SUBJECTS[0], None]], [[SUBJECTS[0], b"x"]], None],  # rows
}
NOT_KEPT: dict[str, list[Any]] = {
    "snapshot": NO_NUMBERS,
    "toCarry": NO_NUMBERS,
    "origin": NO_TEXTS,
    "predecessor": NO_TEXTS,
    "successor": NO_TEXTS,
    "applied": NO_SEQS,
    "judged": NO_SEQS,
    "affected": [*([[SUBJECTS[0], n]] for n in NO_NUMBERS), [["a/b", 1]], [[[1], 1]], [1], None],
    "incidents": [[1], [[1]], [None], 1, None],
    "composition": [1, [], {}, {"reducers": 1, "renderers": []}],
    "statuses": [{"a/b": {}}, {1: {}}, {SUBJECTS[0]: {"x": 1}}, {SUBJECTS[0]: {1: {}}}, 1],
}
EVENTS: list[tuple[int, Any]] = [
    *((place, 10**6) for place in (0, 5)),  # seqs beyond the log
    *((place, value) for place in (0, 1, 2) for value in NO_NUMBERS),
    *((3, value) for value in NO_TEXTS),
    *((4, value) for value in ["x", 1, {}]),
    *((5, value) for value in NO_NUMBERS if value is not None),
]
NO_ROWS: list[tuple[Any, Any]] = [
    *((subject, [EVENT, None, None, None]) for subject in ["", "a/b", 1, b"a", None, [1]]),
    *(
        (SUBJECTS[0], [[*EVENT[:place], value, *EVENT[place + 1 :]], None, None, None])
        for place, value in EVENTS
    ),
    *((SUBJECTS[0], [None, value, None, None]) for value in ["x", 1, {}, True]),
    *((SUBJECTS[0], [None, None, value, None]) for value in [[1], [-1, None], [1, "x"], 1]),
    *((SUBJECTS[0], [None, None, None, value]) for value in NO_NUMBERS if value is not None),
    *((VERDICT, [None, value, None, None]) for value in [b"\xa0", b"\xf6", b"\xa1", b"x"]),
    (SUBJECTS[0], [None, None, None]),
    (SUBJECTS[0], {}),
]


def test_what_has_not_the_shape_of_a_snapshot_is_none(kit: Kit, story: Story) -> None:
    def is_taken(members: list[Any]) -> bool:
        return snapshot.decode(cbor.dumps(members), kit.composition()) is not None

    story.go_on([("a", {"size": 1})])
    good = cbor.loads(story.sink.objects[story.keep()])
    row = [[SUBJECTS[0], cbor.dumps([EVENT, None, None, None])]]
    assert is_taken(good)
    assert is_taken([*good[:8], row, good[9]])
    for place, values in NO_MEMBERS.items():
        for value in values:
            assert not is_taken([*good[:place], value, *good[place + 1 :]]), (place, value)
    for name, values in NOT_KEPT.items():
        for value in values:
            assert not is_taken([*good[:7], {**good[7], name: value}, *good[8:]]), (name, value)
    for subject, value in NO_ROWS:
        assert not is_taken([*good[:8], [[subject, cbor.dumps(value)]], good[9]]), (subject, value)


def test_a_slice_that_its_reducer_never_made_makes_a_snapshot_none(kit: Kit, story: Story) -> None:
    class Reading(kit.Reducer):  # type: ignore[misc,name-defined]
        def reads(self, subject: str, current: Any) -> Any:
            return [f"example.org/Thing/default/{name}" for name in current["uses"]]

    story.go_on([("a", {"size": 1})])
    data = story.sink.objects[story.keep()]
    assert snapshot.decode(data, kit.composition()) is not None
    assert snapshot.decode(data, kit.composition(reducer=Reading())) is None


def test_one_is_used_only_if_what_vouches_for_it_is_among_the_records_wanted(
    story: Story,
) -> None:
    story.go_on([("a", {"size": 1})])
    first = int(story.keep()[-20:])
    story.go_on([("a", {"size": 2})])
    second = int(story.keep()[-20:])
    wanted = {None: second, second + 1: second, second: first, first + 1: first, first: None}
    assert {stop: story.usable(stop=stop) for stop in wanted} == wanted


def test_the_newest_two_are_kept(story: Story) -> None:
    kept = []
    for size in range(4):
        story.go_on([("a", {"size": size})])
        kept.append(story.keep())
    assert story.sink.list(snapshot.PREFIX) == kept[-2:]


def test_one_is_due_when_so_many_records_have_come_since_the_last(story: Story) -> None:
    assert not is_due(story.pipeline, 3)
    story.go_on([("a", {"size": 1})])
    assert is_due(story.pipeline, 3)
    assert not is_due(story.pipeline, 4)
    assert not is_due(story.pipeline, 0)
    story.keep()
    assert not is_due(story.pipeline, 3)


def test_nothing_that_only_a_snapshot_has_is_decoded_for_the_digest(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.go_on([(name, {"size": 1}) for name in "abc"])
    story.keep()
    restored = newest_usable(story.sink, story.kit.composition(), None)
    assert restored is not None
    expected = story.pipeline.state.digest()
    monkeypatch.setattr("rynxs.engine.slices.canonical", None)
    assert restored.state.digest() == expected


def test_two_snapshots_of_one_state_have_different_digests(kit: Kit) -> None:
    """So that a digest whose snapshot is gone confirms no guess of what the state was."""
    made = []
    for _ in range(2):
        pipeline = Pipeline(kit.composition(), system_sources(), "log.example")
        state = pipeline.state
        made.append(pipeline.encoded_snapshot(Chain(Tip(bytes(32), 0, 0), Frontier())))
        restored = snapshot.decode(made[-1], kit.composition())
        assert restored is not None
        assert restored.state.digest() == state.digest()
    assert made[0] != made[1]
