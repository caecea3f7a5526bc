"""The probe at the start of a writer: a server on which the key is no fence is refused."""

from __future__ import annotations

from threading import Semaphore
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import SinkUnavailable
from rynxs.testing.histories import history
from tests.servers import faults
from tests.servers.fake import FakeS3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import S3Log
    from tests.servers.faults import Exchange, Reply
    from tests.servers.proxy import FaultyProxy

FOREVER = 10_000
AT_ONCE = 5


def _is_probe(method: str, path: str) -> bool:
    return method == "PUT" and "/probe/" in path


def _keys(proxy: FaultyProxy) -> list[str]:
    """Return the keys of all probes, each as often as it was put."""
    return [
        seen.path.rpartition("/")[2] for seen in proxy.requests if _is_probe(seen.method, seen.path)
    ]


@pytest.fixture
def fake() -> Iterator[FakeS3]:
    with FakeS3() as server:
        yield server


def test_a_server_that_ignores_the_condition_is_refused_before_anything_is_written(
    fake: FakeS3, new_log: Callable[[str], S3Log], cli: Callable[..., Any]
) -> None:
    log = new_log(fake.endpoint)
    with pytest.raises(SinkUnavailable, match=r"5 succeeded; this server can't keep two writers"):
        log.writer()
    assert fake.objects
    assert all(f"/{log.prefix}/probe/" in name for name in fake.objects)


def test_a_log_on_such_a_server_can_still_be_read(
    fake: FakeS3, s3_log: S3Log, new_log: Callable[[str], S3Log]
) -> None:
    s3_log.fill([2, 3])
    log = new_log(fake.endpoint)
    for key in s3_log.stored():
        fake.objects[f"/logs/{log.prefix}/{key}"] = s3_log.get(key)
    assert log.verified() == list(history(5))


def _as_if_created(losers: int) -> faults.Fault:
    """Answer as a server that checks and creates in two steps: some losers are told to have won."""
    told = Semaphore(losers)

    def fault(exchange: Exchange) -> Reply:
        reply = exchange.forward()
        if reply.status != 412 or not told.acquire(blocking=False):
            return reply
        return faults.Reply(200, (("ETag", '"0"'), ("Content-Length", "0")), b"")

    return fault


@pytest.mark.parametrize("losers", [1, AT_ONCE - 1])
def test_a_server_on_which_more_than_one_succeeds_is_refused(
    losers: int, far_log: S3Log, proxy: FaultyProxy
) -> None:
    proxy.plan(_as_if_created(losers), _is_probe, AT_ONCE)
    with pytest.raises(SinkUnavailable, match=f"{losers + 1} succeeded"):
        far_log.writer()
    assert far_log.stored("log/") == []


def test_a_server_that_refuses_every_condition_is_refused(
    far_log: S3Log, proxy: FaultyProxy
) -> None:
    proxy.plan(faults.answer(412, "PreconditionFailed"), _is_probe, FOREVER)
    with pytest.raises(SinkUnavailable, match="0 succeeded; this server can't keep two writers"):
        far_log.writer()
    assert len(_keys(proxy)) == AT_ONCE


@pytest.mark.parametrize(
    "fault",
    [
        faults.answer(503, "SlowDown"),
        faults.answer_after(503, "SlowDown"),
        faults.drop_request,
        faults.drop_reply,
    ],
)
@pytest.mark.parametrize("times", [1, AT_ONCE])
def test_a_disturbed_probe_is_repeated_with_a_new_key(
    fault: faults.Fault, times: int, far_log: S3Log, proxy: FaultyProxy
) -> None:
    proxy.plan(fault, _is_probe, times)
    far_log.writer()
    keys = _keys(proxy)
    assert len(keys) == 2 * AT_ONCE
    assert len({*keys}) == 2


def test_a_probe_that_is_always_disturbed_gives_up(far_log: S3Log, proxy: FaultyProxy) -> None:
    proxy.plan(faults.answer(503, "SlowDown"), _is_probe, FOREVER)
    with pytest.raises(SinkUnavailable, match="the server answers SlowDown"):
        far_log.writer(attempts=2)
    assert len(_keys(proxy)) == 2 * AT_ONCE


def test_a_probe_that_is_not_allowed_is_not_repeated(far_log: S3Log, proxy: FaultyProxy) -> None:
    proxy.plan(faults.answer(403, "AccessDenied"), _is_probe, FOREVER)
    with pytest.raises(SinkUnavailable, match=r"PutObject of probe/.* is not allowed"):
        far_log.writer()
    assert len(_keys(proxy)) == AT_ONCE


def _contended(exchange: Exchange) -> Reply:
    """Answer as a server that gives way while another PUT of the key is going on."""
    reply = exchange.forward()
    return faults.error_reply(409, "ConditionalRequestConflict") if reply.status == 412 else reply


def test_a_put_that_gave_way_to_another_counts_as_a_loser(
    far_log: S3Log, proxy: FaultyProxy
) -> None:
    proxy.plan(_contended, _is_probe, AT_ONCE)
    far_log.writer().append(0, history(1))
    assert len(_keys(proxy)) == AT_ONCE


def test_puts_that_all_gave_way_to_each_other_are_repeated(
    far_log: S3Log, proxy: FaultyProxy
) -> None:
    conflict = faults.answer(409, "ConditionalRequestConflict")
    proxy.plan(conflict, _is_probe, AT_ONCE)
    far_log.writer()
    assert len({*_keys(proxy)}) == 2
    proxy.plan(conflict, _is_probe, FOREVER)
    with pytest.raises(SinkUnavailable, match="ConditionalRequestConflict"):
        far_log.writer(attempts=2)


def test_each_opening_for_writing_probes_with_a_key_of_its_own_and_a_reader_does_not(
    far_log: S3Log, proxy: FaultyProxy
) -> None:
    far_log.fill([1])
    far_log.writer()
    keys = _keys(proxy)
    assert len({*keys}) == 2
    proxy.requests.clear()
    far_log.reader()
    assert {seen.method for seen in proxy.requests} == {"GET"}
