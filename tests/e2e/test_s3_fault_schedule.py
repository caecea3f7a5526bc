"""Hundreds of appends through a way that breaks requests at random, on real servers."""

from __future__ import annotations

import os
from contextlib import closing, suppress
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import ABSENT, SinkConflict, SinkError, SinkUnavailable
from rynxs.eventlog.audit import Audit
from rynxs.sources import fixed_sources
from rynxs.testing.histories import history
from rynxs_sink_s3.plugin import rynxs_sink
from rynxs_sink_s3.settings import S3Settings
from tests.servers import faults
from tests.servers.proxy import FaultyProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rynxs.api import Sink
    from tests.servers.process import ServerProcess

APPENDS = 300
ATTEMPTS = 3
FAULTS = (
    faults.drop_request,
    faults.drop_reply,
    faults.duplicate,
    faults.delay_request(60),
    faults.delay_reply(60),
    faults.break_off,
    faults.answer(500, "InternalError"),
    faults.answer_after(500, "InternalError"),
    faults.answer(503, "SlowDown"),
    faults.answer_after(503, "SlowDown"),
    faults.answer(409, "ConditionalRequestConflict"),
    faults.answer_after(412, "PreconditionFailed"),
)


class Schedule:
    """Uses one log at random, and knows what was acknowledged."""

    def __init__(self, seed: int, proxy: FaultyProxy, settings: dict[str, Any]) -> None:
        self._random = Random(seed)
        self._proxy = proxy
        self._settings = S3Settings.model_validate(settings)
        self._sink: Sink | None = None
        self._size = 0
        self._named: set[str] = set()
        self._late: list[faults.Exchange] = []
        self._faults = (*FAULTS, self._hold, self._hold)

    def run(self) -> None:
        """Append, put and read, while requests break."""
        for number in range(APPENDS):
            if self._random.random() < 0.35:
                self._break_something()
            self._append(1 + self._random.randrange(5))
            if self._random.random() < 0.1:
                self._put(f"n/{number}")
            if self._random.random() < 0.1:
                self._read()
            self._let_go()

    def check(self) -> None:
        """Demand that all that was acknowledged is there, once, and nothing else."""
        while self._late:
            self._let_go()
        assert self._sink is not None
        self._sink.close()
        direct = self._settings.model_copy(update={"endpoint": self._proxy.upstream})
        with closing(rynxs_sink().open_reader(direct)) as sink:
            found = [record for batch in Audit(sink, []).batches() for record in batch]
            assert len(found) == self._size
            assert tuple(found) == history(self._size)
            names = {*sink.list("n/")}
            assert self._named <= names
            for name in names:
                stored = sink.get(name)
                assert stored is not None
                assert stored.data == name.encode()

    def _break_something(self) -> None:
        times = self._random.choice((1, 1, 1, 2, ATTEMPTS, ATTEMPTS + 1))
        part = self._random.choice(("/log/", "log%2F", "/n/", "/hint", "/"))
        fault = self._random.choice(self._faults)
        self._proxy.plan(fault, lambda _, path: part in path, times)

    def _hold(self, exchange: faults.Exchange) -> faults.Reply:
        """Close the connection, and keep the request: it will arrive late."""
        self._late.append(exchange)
        raise faults.Dropped

    def _let_go(self) -> None:
        """Let one of the late requests arrive, or none."""
        if self._late and self._random.random() < 0.5:
            with suppress(faults.Dropped):
                self._late.pop(self._random.randrange(len(self._late))).forward()

    def _append(self, count: int) -> None:
        """Append the next records of the history, sent again or after opening the log anew."""
        wanted = self._size + count
        while self._size < wanted:
            fenced = False
            try:
                self._reopen(wanted)
                if self._size < wanted:
                    assert self._sink is not None
                    self._sink.append(self._size, history(2_000)[self._size : wanted])
                    self._size = wanted
            except SinkConflict:
                fenced = True  # by its own batch of before the log was opened anew, which was late
            except SinkUnavailable:
                self._let_go()
            if self._size < wanted and (fenced or self._random.random() < 0.5):
                self._leave()

    def _reopen(self, wanted: int) -> None:
        """Open the log if it is not; of an unacknowledged batch all is there, or nothing."""
        if self._sink is None:
            self._sink = self._opened()
            found = self._sink.size()
            assert found in {self._size, wanted}
            self._size = found

    def _leave(self) -> None:
        if self._sink is not None:
            with suppress(SinkError):
                self._sink.close()
            self._sink = None

    def _put(self, name: str) -> None:
        assert self._sink is not None
        with suppress(SinkUnavailable):
            # Of a request that arrived twice the second answer is a refusal; yet it is done.
            with suppress(SinkConflict):
                self._sink.put(name, name.encode(), ABSENT)
            self._named.add(name)

    def _read(self) -> None:
        assert self._sink is not None
        start = self._random.randrange(self._size)
        stop = start + self._random.randrange(50)
        with suppress(SinkUnavailable):
            found = tuple(self._sink.read(start, stop))
            assert found == history(2_000)[start : min(stop, self._size)]

    def _opened(self) -> Sink:
        sink: Sink = rynxs_sink().open_writer(self._settings, fixed_sources(0))
        return sink


@pytest.fixture
def proxy(s3_server: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret_key)
    with FaultyProxy(s3_server.endpoint) as running:
        yield running


@pytest.mark.parametrize("seed", range(3))
def test_whatever_breaks_each_acknowledged_record_is_there_once(
    seed: int, proxy: FaultyProxy, bucket: str
) -> None:
    settings = {
        "bucket": bucket,
        "endpoint": proxy.endpoint,
        "attempts": ATTEMPTS,
        "backoffMs": 1,
        "readTimeoutMs": 500,
    }
    schedule = Schedule(seed, proxy, settings)
    schedule.run()
    schedule.check()
