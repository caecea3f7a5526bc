from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from rynxs.errors import CheckpointRefused, SinkConflict
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.checkpoint import Checkpoint
from rynxs.testing import MemorySink

if TYPE_CHECKING:
    from rynxs.eventlog.sink import StoredObject

ROOT = bytes(range(32))
ROOT64 = base64.b64encode(ROOT).decode()
SIGNATURE = "\n— key AQIDBHg=\n"


def signed(checkpoint: Checkpoint) -> bytes:
    return (checkpoint.text() + SIGNATURE).encode()


class OvertakenSink(MemorySink):
    """Holds a latest checkpoint, and another one as soon as somebody has read that."""

    def __init__(self) -> None:
        super().__init__()
        self.put(cp.LATEST, signed(Checkpoint("log", 1, ROOT)))

    def get(self, name: str) -> StoredObject | None:
        found = super().get(name)
        if name == cp.LATEST:
            self.store.objects[name] = signed(Checkpoint("log", 5, ROOT))
        return found


def test_the_text_is_origin_size_and_root_a_line_each() -> None:
    assert Checkpoint("log.example", 17, ROOT).text() == f"log.example\n17\n{ROOT64}\n"


@pytest.mark.parametrize("extensions", [(), ("first", "second line")])
def test_a_checkpoint_survives_its_text(extensions: tuple[str, ...]) -> None:
    checkpoint = Checkpoint("log.example", 17, ROOT, extensions)
    assert cp.parse_text(checkpoint.text()) == checkpoint
    assert cp.parse(signed(checkpoint))[0] == checkpoint


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"log\n017\n{ROOT64}\n", "not a decimal number"),
        (f"log\n-1\n{ROOT64}\n", "not a decimal number"),
        (f"log\n1.0\n{ROOT64}\n", "not a decimal number"),
        (f"log\n\u0661\n{ROOT64}\n", "not a decimal number"),
        (f"log\n99999999999999999999\n{ROOT64}\n", "not a decimal number"),
        (f"\n1\n{ROOT64}\n", "an empty line"),
        ("log\n1\n", "not an origin, a size and a root"),
        ("log\n1\nAAAA\n", "not 32 bytes of base64"),
        (f"log\n1\n{ROOT64[:-2]}9=\n", "not 32 bytes of base64"),
        (f"log\n1\n{ROOT64}\n\nextension\n", "an empty line"),
        ("log\n1\n!!!\n", "root is not base64"),
        (f"log\n1\n{ROOT64[:9]}!{ROOT64[9:]}\n", "root is not base64"),
        (f"a log\n1\n{ROOT64}\n", "origin 'a log' does not match"),
    ],
)
def test_what_is_not_a_checkpoint_in_its_one_form_is_refused_with_a_reason(
    text: str, reason: str
) -> None:
    with pytest.raises(CheckpointRefused, match=reason):
        cp.parse_text(text)


def test_the_latest_checkpoint_only_grows() -> None:
    sink = MemorySink()
    for size in (1, 5):
        checkpoint = Checkpoint("log", size, ROOT)
        cp.store(sink, checkpoint, signed(checkpoint))
    with pytest.raises(CheckpointRefused, match="larger than 3"):
        cp.store(sink, Checkpoint("log", 3, ROOT), signed(Checkpoint("log", 3, ROOT)))
    latest = cp.latest(sink)
    assert latest is not None
    assert latest[0].size == 5


def test_a_numbered_checkpoint_is_made_once() -> None:
    sink = MemorySink()
    first = Checkpoint("log", 1, ROOT)
    cp.store(sink, first, signed(first))
    cp.store(sink, first, signed(first))
    with pytest.raises(CheckpointRefused, match="another checkpoint of size 1"):
        cp.store(sink, Checkpoint("log", 1, bytes(32)), signed(Checkpoint("log", 1, bytes(32))))
    assert sink.list(cp.NUMBERED) == ["checkpoints/00000000000000000001"]


def test_a_log_without_checkpoints_has_no_latest() -> None:
    assert cp.latest(MemorySink()) is None


def test_a_checkpoint_may_follow_those_that_are_not_larger_and_none_that_differs() -> None:
    sink = MemorySink()
    first, second = Checkpoint("log", 3, ROOT), Checkpoint("log", 5, ROOT)
    assert cp.check_storable(sink, first) is None
    cp.store(sink, first, signed(first))
    assert cp.check_storable(sink, first) == first
    assert cp.check_storable(sink, second) == first
    cp.store(sink, second, signed(second))
    with pytest.raises(CheckpointRefused, match="another checkpoint of size 5 is stored already"):
        cp.check_storable(sink, second._replace(root=bytes(32)))
    with pytest.raises(CheckpointRefused, match="a checkpoint larger than 4 is stored already"):
        cp.check_storable(sink, Checkpoint("log", 4, ROOT))


def test_the_largest_stored_checkpoint_is_told_though_the_latest_lags_behind_or_stands_alone() -> (
    None
):
    sink = MemorySink()
    assert cp.largest_size(sink) == 0
    sink.put(cp.numbered_name(1), signed(Checkpoint("log", 1, ROOT)))  # as after a crash
    assert cp.largest_size(sink) == 1
    for size in (2, 9, 10):
        cp.store(sink, Checkpoint("log", size, ROOT), signed(Checkpoint("log", size, ROOT)))
    assert cp.largest_size(sink) == 10
    sink.put(cp.LATEST, signed(Checkpoint("log", 9, ROOT)))  # as after a later one
    assert cp.largest_size(sink) == 10
    sink.put(cp.LATEST, signed(Checkpoint("log", 11, ROOT)))
    assert cp.largest_size(sink) == 11


def test_stored_checkpoints_come_parsed_and_as_bytes_and_missing_ones_are_passed_over() -> None:
    sink = MemorySink()
    checkpoint = Checkpoint("log", 1, ROOT)
    cp.store(sink, checkpoint, signed(checkpoint))
    names = [cp.numbered_name(7), cp.LATEST]
    assert list(cp.stored(sink, names)) == [(*cp.parse(signed(checkpoint)), signed(checkpoint))]


def test_of_two_who_store_at_once_neither_replaces_a_latest_that_it_has_not_seen() -> None:
    sink = OvertakenSink()
    with pytest.raises(SinkConflict):
        cp.store(sink, Checkpoint("log", 3, ROOT), signed(Checkpoint("log", 3, ROOT)))
    latest = cp.latest(sink)
    assert latest is not None
    assert latest[0].size == 5
