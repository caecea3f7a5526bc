"""The promises that hold between processes: durability, races, and readers beside a writer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs.testing.actor import ERASED_BATCHES, ERASED_HISTORY, KILLED_HISTORY
from rynxs.testing.histories import history
from rynxs.testing.sink.erasing import erased
from rynxs.testing.sink.subject import SinkUnderTest, append_batches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.testing.sink.actors import Actor
    from rynxs.testing.sink.subject import Place

_BATCHES = 12
_NAMES = 10


class Processes(SinkUnderTest):
    """Promises about processes that die, and processes at once."""

    @pytest.fixture(autouse=True)
    def _skip_what_needs_processes(self, request: pytest.FixtureRequest) -> None:
        function = request.function.__name__
        if not self.outlives_its_process and function in vars(Processes):
            pytest.skip("the sink says that a log does not outlive its process")

    def test_what_was_acknowledged_is_there_after_kill_9(self, places: Iterator[Place]) -> None:
        """A writer is killed in its batches, again and again; each batch is whole or not there."""
        place = next(places)
        records = history(KILLED_HISTORY)
        for round_number in range(self.kills):
            killed = place.process("append_until_killed")
            acknowledged = _told(killed)["size"]
            for _ in range(1 + round_number % 4):
                line = killed.told()
                if line is None:
                    break
                acknowledged = line["size"]
                if acknowledged == KILLED_HISTORY:
                    break
            killed.kill()
            acknowledged = max([acknowledged, *(facts["size"] for facts in killed.rest())])
            found = place.records()
            assert len(found) >= acknowledged, (
                f"kill {round_number}: {acknowledged} records were acknowledged, "
                f"{len(found)} are there"
            )
            assert tuple(found) == records[: len(found)], f"kill {round_number}: records differ"
            if len(found) == KILLED_HISTORY:
                place = next(places)

    def test_an_erasure_that_kill_9_ends_loses_no_other_record(
        self, places: Iterator[Place]
    ) -> None:
        """Each record is as it was or erased, those acknowledged are erased, and it can go on."""
        records = history(ERASED_HISTORY)
        done = ERASED_HISTORY - 1
        for round_number in range(max(1, self.kills // 2)):
            if done == ERASED_HISTORY - 1:
                place, done = next(places), -1
                sink = place.writer()
                append_batches(sink, records, ERASED_BATCHES)
                sink.close()
            killed = place.process("erase_until_killed", done + 1)
            _told(killed)
            for _ in range(1 + round_number % 4):
                done = (killed.told() or {"erased": done})["erased"]
            killed.kill()
            done = max([done, *(facts["erased"] for facts in killed.rest())])
            for seq, record in enumerate(found := place.records()):
                gone = record == erased(records[seq])
                assert gone or record == records[seq], f"kill {round_number}: record {seq} differs"
                assert gone or seq > done, f"kill {round_number}: record {seq} is not erased"
            assert len(found) == ERASED_HISTORY, f"kill {round_number}: {len(found)} are there"

    @pytest.mark.parametrize("author", ["own", "same"])
    @pytest.mark.parametrize("writers", [2, 8])
    def test_of_writers_at_once_exactly_one_wins_each_position(
        self, place: Place, writers: int, author: str
    ) -> None:
        """The losers are fenced or kept out; also when all would write identical bytes."""
        place.writer().close()
        authors = [f"w{number}" if author == "own" else "w" for number in range(writers)]
        racing = [place.process("append_in_a_race", author, _BATCHES) for author in authors]
        outcomes = _raced(racing)
        found = place.records()
        owners: dict[int, int] = {}
        for number, events in enumerate(outcomes):
            assert events, f"writer {number} died"
            assert events[-1]["event"] in {"done", "fenced", "kept out"}, events[-1]
            written = history(3 * _BATCHES, authors[number])
            for event in events:
                if event["event"] == "won":
                    for seq in range(event["start"], event["stop"]):
                        assert seq not in owners, f"record {seq} was acknowledged to two writers"
                        owners[seq] = number
                        assert seq < len(found), f"record {seq} was acknowledged and is not there"
                        assert found[seq] == written[seq], f"record {seq} is another writer's"
        assert owners, "no writer won anything"
        assert sorted(owners) == list(range(len(found)))

    def test_of_processes_that_create_one_object_exactly_one_succeeds(self, place: Place) -> None:
        """Four processes, the same names at the same time."""
        place.writer().close()
        racing = [place.process("put_in_a_race", _NAMES, f"w{number}") for number in range(4)]
        created: dict[str, str] = {}
        for number, events in enumerate(_raced(racing)):
            for event in events:
                if event["event"] == "created":
                    assert event["name"] not in created, f"{event['name']} was created twice"
                    created[event["name"]] = f"w{number}"
        sink = place.writer()
        assert sorted(created) == list(sink.list("race/"))
        for name, author in created.items():
            stored = sink.get(name)
            assert stored is not None
            assert stored.data == author.encode()

    def test_a_reader_beside_a_writing_process_sees_a_growing_prefix(self, place: Place) -> None:
        """Never a gap, never a record that is not in its place, never fewer than before."""
        place.writer().close()
        records = history(KILLED_HISTORY)
        writing = place.process("append_until_killed")
        _told(writing)
        _told(writing)
        reader = place.reader()
        seen = 0
        for _ in range(15):
            size = reader.size()
            assert size >= seen, f"{size} records after {seen} had been counted"
            found = list(reader.read(max(seen - 1, 0), size))
            assert tuple(found) == records[max(seen - 1, 0) : size]
            seen = size
            if seen == KILLED_HISTORY:
                break
        writing.kill()
        assert seen > 0


def _raced(racing: Sequence[Actor]) -> list[list[dict[str, Any]]]:
    """Let processes go once all are ready, and return what each of them told."""
    told = [[_told(process)] for process in racing]
    for process, events in zip(racing, told, strict=True):
        if events[0]["event"] == "ready":
            process.go()
    for process, events in zip(racing, told, strict=True):
        events.extend(process.rest())
        assert process.wait() == 0, "a process ended with a traceback, see above"
    return told


def _told(process: Actor) -> dict[str, Any]:
    facts = process.told()
    assert facts is not None, "the process ended before it told anything, see its traceback above"
    return facts
