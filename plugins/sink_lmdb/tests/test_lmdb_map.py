"""The map: it grows by doubling, other processes follow, and at its maximum nothing is lost."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import lmdb
import pytest

from rynxs.api import Record, SinkUnavailable
from rynxs.testing.histories import history

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

MEBIBYTE = 2**20
LARGE = [Record(b"header", b"", b"x" * 100_000)] * 10

FOLLOW = """
sink = reader(sys.argv[1])
say(sink.size())
for line in sys.stdin:
    say(sum(len(record.payload) for record in sink.read()))
    say(sink.size())
"""

APPEND = """
sink = writer(sys.argv[1])
say("ready")
for line in sys.stdin:
    start, batches = map(int, line.split())
    records = [tuple.__new__(type(history(1)[0]), (b"header", b"", b"x" * 100_000))] * 10
    for number in range(batches):
        sink.append(start + 10 * number, records)
    say(sink.size())
"""

IN_LITTLE_SPACE = """
import resource
sink = writer(sys.argv[1])
large = [tuple.__new__(type(history(1)[0]), (b"header", b"", b"x" * 100_000))] * 10
for number in range(20):
    sink.append(10 * number, large)
in_use = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (in_use + 24 * 2**20, -1))
try:
    for number in range(20, 200):
        sink.append(10 * number, large)
except SinkUnavailable as error:
    say(error)
size = sink.size()
say(size == sum(1 for _ in sink.read()) and size >= 200)
resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
sink.append(size, large)
say(sink.size() - size)
"""

HOLD_A_SNAPSHOT = """
def hold(snapshot):
    say(snapshot.txn.stat(snapshot.records)["entries"])
    sys.stdin.readline()
    return snapshot.txn.stat(snapshot.records)["entries"]

say(reader(sys.argv[1])._environment.read(hold))
"""


def _exchange(process: Any, line: str) -> str:
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return str(process.stdout.readline().strip())


def _fill(writer: Any, records: Sequence[Record]) -> int:
    """Append until nothing fits; return how many records did."""
    for start in range(0, len(records), 200):
        try:
            writer.append(start, records[start : start + 200])
        except SinkUnavailable:
            return start
    pytest.fail("the map is never full")


def test_a_full_map_grows_and_a_batch_is_put_whole(
    log_path: Path, open_writer: Callable[..., Any], open_reader: Callable[..., Any]
) -> None:
    writer = open_writer(log_path)
    large = [Record(b"header", b"", bytes(2**21))] * 10  # 20 MiB, five times doubled
    writer.append(0, large)
    writer.append(10, LARGE)
    assert list(writer.read()) == large + LARGE
    writer.close()
    assert list(open_reader(log_path).read()) == large + LARGE
    again = open_writer(log_path)
    again.append(20, large)
    assert again.size() == 30


def test_at_its_maximum_the_log_refuses_and_goes_on_once_it_may_grow(
    log_path: Path,
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    audit: Callable[..., list[Record]],
) -> None:
    most = 3_000_001  # not a power of two times the first size, nor whole pages
    records = history(12_000)
    writer = open_writer(log_path, most)
    size = _fill(writer, records)
    assert log_path.stat().st_size <= most
    assert size > 1_000
    told = f"map is full at {most} bytes and mapBytesMax is {most}; .* nothing that was ack"
    for _ in range(2):
        with pytest.raises(SinkUnavailable, match=told):
            writer.append(size, records[size : size + 200])
    with pytest.raises(SinkUnavailable, match="mapBytesMax"):
        writer.put("name", bytes(2 * MEBIBYTE))
    assert writer.get("name") is None
    assert audit(writer) == list(records[:size])
    assert audit(open_reader(log_path)) == list(records[:size])
    writer.close()

    again = open_writer(log_path, most)
    with pytest.raises(SinkUnavailable, match="mapBytesMax"):
        again.append(size, records[size : size + 200])
    again.close()
    larger = open_writer(log_path, 2 * most)
    larger.append(size, records[size : size + 200])
    assert audit(larger) == list(records[: size + 200])


def test_another_process_follows_a_map_that_grows(
    log_path: Path, open_writer: Callable[..., Any], child: Callable[..., Any]
) -> None:
    writer = open_writer(log_path)
    follower = child(FOLLOW, log_path)
    assert follower.stdout.readline() == "0\n"
    for number in range(1, 6):
        for _ in range(5):
            writer.append(writer.size(), LARGE)
        assert _exchange(follower, "") == str(number * 5_000_000)
        assert follower.stdout.readline() == f"{number * 50}\n"


def test_a_writer_goes_on_after_another_process_let_the_map_grow(
    log_path: Path, open_writer: Callable[..., Any], child: Callable[..., Any]
) -> None:
    writer = open_writer(log_path)
    writer.append(0, LARGE)
    other = child(APPEND, log_path)
    assert other.stdout.readline() == "ready\n"
    assert _exchange(other, "10 10") == "110"
    writer.append(110, LARGE)
    assert _exchange(other, "120 20") == "320"
    assert list(writer.read(315)) == LARGE[:5]
    writer.put("name", b"data")
    writer.append(320, LARGE)
    assert writer.size() == 330


def test_an_address_space_that_is_too_small_for_the_map_is_told_and_the_log_goes_on(
    log_path: Path, child: Callable[..., Any]
) -> None:
    out, errors = child(IN_LITTLE_SPACE, log_path).communicate()
    assert errors == ""
    told, readable, appended = out.splitlines()
    assert "Cannot allocate memory; the map of the file does not fit the address space" in told
    assert (readable, appended) == ("True", "10")


def test_a_live_reader_of_an_old_state_keeps_it_and_does_not_hinder_appends(
    log_path: Path,
    open_writer: Callable[..., Any],
    child: Callable[..., Any],
    audit: Callable[..., list[Record]],
) -> None:
    records = history(2_000)
    writer = open_writer(log_path)
    writer.append(0, records[:10])
    holder = child(HOLD_A_SNAPSHOT, log_path)
    assert holder.stdout.readline() == "10\n"
    for start in range(10, 2_000, 10):
        writer.append(start, records[start : start + 10])
        writer.put("name", b"x" * 10_000)
    assert log_path.stat().st_size > 3 * MEBIBYTE  # of which most is what the holder may look at
    assert audit(writer) == list(records)
    assert _exchange(holder, "") == "10"
    holder.wait()
    grown = log_path.stat().st_size
    for _ in range(100):
        writer.put("name", b"x" * 10_000)
    assert log_path.stat().st_size == grown


def test_a_log_that_lmdb_copied_is_a_log(
    log_path: Path,
    make_log: Callable[[int], list[Record]],
    open_writer: Callable[..., Any],
    tmp_path: Path,
) -> None:
    records = make_log(500)
    for compact in (False, True):
        copy = tmp_path / f"copy-{compact}"
        with (
            closing(lmdb.open(str(log_path), subdir=False, readonly=True)) as environment,
            copy.open("wb") as file,
        ):
            environment.copyfd(file.fileno(), compact=compact)
        writer = open_writer(copy)
        writer.append(500, history(501)[500:])
        assert list(writer.read()) == [*records, *history(501)[500:]]
