"""Requests that fail on their way: once, a few times, and for longer than the sink tries."""

from __future__ import annotations

from base64 import b64encode
from contextlib import closing
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import pytest

from rynxs.api import ABSENT, ANY, SinkConflict, SinkUnavailable
from rynxs.testing.histories import history
from rynxs_sink_s3 import writer as writing
from rynxs_sink_s3.batch_object import key_of
from tests.servers import faults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.conftest import S3Log
    from tests.servers.faults import Fault
    from tests.servers.proxy import FaultyProxy

ATTEMPTS = 3
FOREVER = 10_000
LATE_S = 60.0  # cut short by the end of the test
READ_TIMEOUT_MS = 300


class Case(NamedTuple):
    """A fault of a request, whether the request is carried out, and the sink's settings."""

    fault: Fault
    is_done: bool
    settings: Mapping[str, Any] = MappingProxyType({})


LATE = {"readTimeoutMs": READ_TIMEOUT_MS}
CASES = {
    "the request is dropped": Case(faults.drop_request, is_done=False),
    "the answer is dropped": Case(faults.drop_reply, is_done=True),
    "the request is late": Case(faults.delay_request(LATE_S), False, LATE),
    "the answer is late": Case(faults.delay_reply(LATE_S), True, LATE),
    "500": Case(faults.answer(500, "InternalError"), is_done=False),
    "500 though done": Case(faults.answer_after(500, "InternalError"), is_done=True),
    "503": Case(faults.answer(503, "SlowDown"), is_done=False),
    "503 though done": Case(faults.answer_after(503, "SlowDown"), is_done=True),
    "409": Case(faults.answer(409, "ConditionalRequestConflict"), is_done=False),
    "400, damaged": Case(faults.answer(400, "BadDigest"), is_done=False),
}
AS_ONE = ("the request is dropped", "the answer is dropped", "503")
SOME = pytest.mark.parametrize("what", AS_ONE)
"""For requests that differ from an append's only in what they ask; what else can go wrong means the
same for all, and is told apart in one place."""
EVERY = pytest.mark.parametrize(
    "what", [pytest.param(each, marks=() if each in AS_ONE else pytest.mark.slow) for each in CASES]
)


def _on(method: str, part: str) -> Callable[[str, str], bool]:
    return lambda its_method, path: its_method == method and part in path.replace("%2F", "/")


PUT_BATCH, GET_BATCH = _on("PUT", "/log/"), _on("GET", "/log/0")
LIST = _on("GET", "?list-type")
PUT_NAME, GET_NAME = _on("PUT", "/name"), _on("GET", "/name")


@EVERY
def test_an_append_goes_on_or_is_unavailable_until_the_same_records_are_sent_again(
    what: str, far_log: S3Log, proxy: FaultyProxy
) -> None:
    fault, _, settings = CASES[what]
    writer = far_log.writer(**settings)
    for size, times in enumerate(range(1, ATTEMPTS)):
        proxy.plan(fault, PUT_BATCH, times)
        writer.append(size, history(10)[size : size + 1])
    proxy.plan(fault, PUT_BATCH, ATTEMPTS)
    with pytest.raises(SinkUnavailable):
        writer.append(2, history(10)[2:5])
    assert proxy.pending == 0
    for others in (history(10, "another")[2:5], history(10)[2:4], history(10)[2:6]):
        with pytest.raises(SinkUnavailable, match="send the same records again"):
            writer.append(2, others)
    assert writer.size() == 2
    writer.append(2, history(10)[2:5])
    writer.append(5, history(10)[5:6])
    writer.close()
    assert far_log.verified() == list(history(6))


@EVERY
def test_after_a_failed_append_a_log_opened_anew_has_the_batch_or_not_and_takes_others(
    what: str, far_log: S3Log, proxy: FaultyProxy
) -> None:
    fault, is_done, settings = CASES[what]
    writer = far_log.writer(**settings)
    writer.append(0, history(1))
    proxy.plan(fault, PUT_BATCH, ATTEMPTS)
    with pytest.raises(SinkUnavailable):
        writer.append(1, history(4)[1:])
    again = far_log.writer()
    assert again.size() == (4 if is_done else 1)
    author = "" if is_done else "another"
    records = [*history(again.size()), *history(6, author)[again.size() :]]
    again.append(again.size(), records[again.size() :])
    again.close()
    with closing(far_log.reader()) as reader:
        assert list(reader.read()) == records
    if is_done:
        writer.append(1, history(4)[1:])  # its own, which it learns now
        assert writer.size() == 4
    with pytest.raises(SinkConflict):
        writer.append(writer.size(), history(4)[1:])


@pytest.mark.parametrize("times", [1, 2, ATTEMPTS])
def test_a_batch_that_arrives_twice_is_one(times: int, far_log: S3Log, proxy: FaultyProxy) -> None:
    writer = far_log.writer()
    proxy.plan(faults.duplicate, PUT_BATCH, times)
    for size in range(4):
        writer.append(size, history(4)[size : size + 1])
    writer.close()
    assert far_log.verified() == list(history(4))


def test_a_refusal_of_what_did_succeed_is_a_success(far_log: S3Log, proxy: FaultyProxy) -> None:
    writer = far_log.writer()
    proxy.plan(faults.answer_after(412, "PreconditionFailed"), PUT_BATCH)
    writer.append(0, history(2))
    assert writer.size() == 2
    assert far_log.verified() == list(history(2))


def test_a_refusal_for_an_object_that_is_not_there_leaves_the_append_in_doubt(
    far_log: S3Log, proxy: FaultyProxy
) -> None:
    writer = far_log.writer()
    proxy.plan(faults.answer(412, "PreconditionFailed"), PUT_BATCH)
    with pytest.raises(SinkUnavailable, match="is said to exist, and does not"):
        writer.append(0, history(2))
    with pytest.raises(SinkUnavailable, match="send the same records again"):
        writer.append(0, history(2, "another"))
    writer.append(0, history(2))
    assert far_log.verified() == list(history(2))


def test_an_object_that_can_not_be_compared_leaves_the_append_in_doubt(
    far_log: S3Log, proxy: FaultyProxy
) -> None:
    writer = far_log.writer()
    proxy.plan(faults.drop_reply, PUT_BATCH)
    proxy.plan(faults.answer(503, "SlowDown"), GET_BATCH, ATTEMPTS)
    with pytest.raises(SinkUnavailable):
        writer.append(0, history(2))
    with pytest.raises(SinkUnavailable, match="send the same records again"):
        writer.append(0, history(2, "another"))
    writer.append(0, history(2))
    assert far_log.verified() == list(history(2))


@SOME
@pytest.mark.parametrize("expect", ["any", "absent", "version"])
def test_a_put_goes_on_or_is_unavailable_and_never_takes_its_own_object_for_anothers(
    what: str, expect: str, far_log: S3Log, proxy: FaultyProxy
) -> None:
    fault, is_done, settings = CASES[what]
    sink = far_log.writer(**settings)
    for times in (1, ATTEMPTS):
        name, data = f"name/{times}", b"data %d" % times
        old = sink.put(name, b"old") if expect == "version" else ""
        wanted = {"any": ANY, "absent": ABSENT}.get(expect, old)
        proxy.plan(fault, PUT_NAME, times)
        if times < ATTEMPTS:
            assert sink.get(name) != (data, old)
            assert sink.put(name, data, wanted) == sink.get(name).version
            assert sink.get(name).data == data
            with pytest.raises(SinkConflict):
                sink.put(name, b"other", ABSENT)
            continue
        with pytest.raises(SinkUnavailable):
            sink.put(name, data, wanted)
        found = sink.get(name)
        assert (found is not None and found.data == data) == is_done
        if expect == "any" or not is_done:
            sink.put(name, data, wanted)
            assert sink.get(name).data == data
    assert proxy.pending == 0


def test_a_put_whose_answer_was_lost_is_refused_if_another_has_won(
    far_log: S3Log, proxy: FaultyProxy
) -> None:
    def overtaken(exchange: faults.Exchange) -> faults.Reply:
        far_log.put("name", b"another's")
        raise faults.Dropped

    sink = far_log.writer()
    proxy.plan(overtaken, PUT_NAME)
    with pytest.raises(SinkConflict, match="absent was expected"):
        sink.put("name", b"mine", ABSENT)
    assert sink.get("name").data == b"another's"


@pytest.mark.parametrize(
    "fault", [faults.duplicate, faults.answer_after(412, "PreconditionFailed")]
)
def test_a_put_that_is_done_and_refused_with_no_failure_before_is_told_as_a_conflict(
    fault: Fault, far_log: S3Log, proxy: FaultyProxy
) -> None:
    sink = far_log.writer()
    old = sink.put("name/version", b"old")
    for name, expect in (("name/absent", ABSENT), ("name/version", old)):
        proxy.plan(fault, PUT_NAME)
        with pytest.raises(SinkConflict):  # equal bytes may be anybody's
            sink.put(name, b"data", expect)
        assert sink.get(name).data == b"data"
    proxy.plan(faults.duplicate, PUT_NAME)
    assert sink.get("name") is None
    assert sink.put("name", b"data") == sink.get("name").version


@SOME
def test_a_get_and_a_list_go_on_or_are_unavailable(
    what: str, far_log: S3Log, proxy: FaultyProxy
) -> None:
    with closing(far_log.writer()) as writer:
        version = writer.put("name", b"data")
        writer.append(0, history(1))
    sink = far_log.reader()
    for match, ask, argument, answer in (
        (GET_NAME, sink.get, "name", (b"data", version)),
        (LIST, sink.list, "n", ["name"]),
    ):
        proxy.plan(CASES[what].fault, match, ATTEMPTS - 1)
        assert ask(argument) == answer
        assert proxy.pending == 0
        proxy.plan(CASES[what].fault, match, ATTEMPTS)
        with pytest.raises(SinkUnavailable):
            ask(argument)
        assert ask(argument) == answer


def test_an_answer_that_breaks_off_is_asked_for_again(far_log: S3Log, proxy: FaultyProxy) -> None:
    with closing(far_log.writer()) as writer:
        version = writer.put("name", b"data" * 100)
        writer.append(0, history(1))
    sink = far_log.reader()
    for match in (GET_NAME, LIST):
        proxy.plan(faults.break_off, match, ATTEMPTS - 1)
    assert sink.get("name") == (b"data" * 100, version)
    assert sink.list("n") == ["name"]
    proxy.plan(faults.break_off, GET_NAME, ATTEMPTS)
    with pytest.raises(SinkUnavailable):
        sink.get("name")


def _garbled_under_its_checksum(exchange: faults.Exchange) -> faults.Reply:
    """Damage the body of an answer that has the server's checksum."""
    reply = exchange.forward()
    checksum = b64encode(crc32(reply.body).to_bytes(4)).decode()
    damaged = replace(reply, body=b"D" + reply.body[1:])
    return damaged.with_header("x-amz-checksum-crc32", checksum)


def test_an_object_whose_checksum_does_not_hold_is_asked_for_again(
    far_log: S3Log, proxy: FaultyProxy
) -> None:
    with closing(far_log.writer()) as writer:
        version = writer.put("name", b"data")
        writer.append(0, history(1))
    sink = far_log.reader()
    proxy.plan(_garbled_under_its_checksum, GET_NAME, ATTEMPTS - 1)
    assert sink.get("name") == (b"data", version)
    proxy.plan(_garbled_under_its_checksum, GET_NAME, ATTEMPTS)
    assert sink.get("name") == (b"data", version)  # read unchecked at last, for its holder to judge


OPENING = {
    "hint": _on("GET", "/hint"),
    "batches": _on("GET", "/log/&"),
    "last batch": GET_BATCH,
    "checkpoints": _on("GET", "/checkpoints/&"),
    "probe": _on("PUT", "/probe/"),
}


@pytest.mark.parametrize("asked", OPENING)
def test_a_writer_opens_or_is_unavailable(asked: str, far_log: S3Log, proxy: FaultyProxy) -> None:
    far_log.fill([2, 3])
    proxy.plan(faults.drop_reply, OPENING[asked], 2)
    assert far_log.writer().size() == 5
    assert proxy.pending == 0
    proxy.plan(faults.drop_reply, OPENING[asked], 5 * ATTEMPTS if asked == "probe" else ATTEMPTS)
    with pytest.raises(SinkUnavailable):
        far_log.writer()
    assert proxy.pending == 0
    assert far_log.writer().size() == 5


@pytest.mark.parametrize("asked", ["hint", "batches", "last batch"])
def test_a_reader_opens_or_is_unavailable(asked: str, far_log: S3Log, proxy: FaultyProxy) -> None:
    far_log.fill([2, 3])
    proxy.plan(faults.drop_reply, OPENING[asked], 2)
    assert far_log.reader().size() == 5
    assert proxy.pending == 0
    proxy.plan(faults.drop_reply, OPENING[asked], ATTEMPTS)
    with pytest.raises(SinkUnavailable):
        far_log.reader()
    assert far_log.reader().size() == 5


@SOME
@pytest.mark.parametrize("ahead", [0, 4])
def test_a_read_goes_on_or_is_unavailable_where_it_stands(
    what: str, ahead: int, far_log: S3Log, proxy: FaultyProxy
) -> None:
    far_log.fill([1] * 8)
    reader = far_log.reader(readAhead=ahead)
    proxy.plan(CASES[what].fault, GET_BATCH, 2)
    assert list(reader.read()) == list(history(8))
    assert proxy.pending == 0
    proxy.plan(CASES[what].fault, _on("GET", f"/{key_of(3)}"), ATTEMPTS)
    reading = reader.read()
    assert [next(reading) for _ in range(3)] == list(history(3))
    with pytest.raises(SinkUnavailable):
        next(reading)
    assert list(reader.read(3)) == list(history(8)[3:])


@pytest.mark.parametrize("fault", [faults.break_off, faults.truncate, faults.garble])
def test_a_batch_damaged_on_its_way_is_fetched_once_more(
    fault: Fault, far_log: S3Log, proxy: FaultyProxy
) -> None:
    far_log.fill([3, 3, 3])
    reader = far_log.reader()
    proxy.requests.clear()
    proxy.plan(fault, GET_BATCH)
    assert list(reader.read()) == list(history(9))
    gets = [seen for seen in proxy.requests if GET_BATCH(seen.method, seen.path)]
    assert len(gets) == 3  # two batches, one of them twice; the last one is known


@SOME
def test_a_hint_that_can_not_be_put_fails_neither_an_append_nor_the_close(
    what: str, far_log: S3Log, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "HINT_INTERVAL", 2)
    fault, _, settings = CASES[what]
    writer = far_log.writer(**settings)
    proxy.plan(fault, _on("PUT", "/hint"), FOREVER)
    for size in range(3):
        writer.append(size, history(3)[size : size + 1])
    writer.close()
    assert proxy.pending == FOREVER - 2
    assert far_log.verified() == list(history(3))
