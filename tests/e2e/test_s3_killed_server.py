"""A server that is killed, and started again, while a writer appends."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Condition, Event
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import SinkUnavailable
from rynxs.eventlog.audit import Audit
from rynxs.sources import fixed_sources
from rynxs.testing.histories import history
from rynxs_sink_s3.plugin import rynxs_sink
from rynxs_sink_s3.settings import S3Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.api import Sink
    from tests.servers.process import ServerProcess

    Open = Callable[..., Sink]

KILLS = 6
BATCHES_BETWEEN = 25
LIMIT_S = 120.0
PATIENT = {"attempts": 20, "backoffMs": 100}
IMPATIENT = {"attempts": 1}


@pytest.fixture
def opened(mortal_s3_server: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a log on the server, for `reader` or `writer`."""
    server = mortal_s3_server
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
    with closing(server.client()) as client:
        client.create_bucket(Bucket="logs")

    def opener(**settings: Any) -> Sink:
        raw = {"bucket": "logs", "endpoint": server.endpoint, **settings}
        sink: Sink = rynxs_sink().open_writer(S3Settings.model_validate(raw), fixed_sources(0))
        return sink

    return opener


class Appending:
    """Appends batches of one to three records until it is told to stop, whatever happens."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._grown = Condition()
        self.is_up = Event()
        self.is_over = Event()
        self.refusals = 0

    def run(self) -> int:
        """Return the number of acknowledged records."""
        size = self._sink.size()
        while not self.is_over.is_set():
            batch = history(4_000)[size : size + 1 + size % 3]
            try:
                self._sink.append(size, batch)
            except SinkUnavailable:
                self.refusals += 1
                assert self.is_up.wait(LIMIT_S)
                continue  # with the same records
            with self._grown:
                size += len(batch)
                self._grown.notify()
        return size

    def wait_for_batches(self, count: int) -> None:
        """Wait until so many more are acknowledged."""
        for _ in range(count):
            with self._grown:
                assert self._grown.wait(LIMIT_S)


@pytest.mark.parametrize("settings", [PATIENT, IMPATIENT], ids=["patient", "impatient"])
def test_a_writer_outlives_its_server_and_loses_and_doubles_nothing(
    settings: dict[str, int], mortal_s3_server: ServerProcess, opened: Open
) -> None:
    with closing(opened(**settings)) as sink, ThreadPoolExecutor(1) as thread:
        appending = Appending(sink)
        acknowledged = thread.submit(appending.run)
        try:
            appending.is_up.set()
            for _ in range(KILLS):
                appending.wait_for_batches(BATCHES_BETWEEN)
                appending.is_up.clear()
                mortal_s3_server.kill()
                mortal_s3_server.restart()
                appending.is_up.set()
            appending.wait_for_batches(BATCHES_BETWEEN)
        finally:
            appending.is_up.set()
            appending.is_over.set()
        size = acknowledged.result(LIMIT_S)
        assert (appending.refusals > 0) == (settings is IMPATIENT)
    with closing(opened()) as sink:
        found = [record for batch in Audit(sink, []).batches() for record in batch]
    assert len(found) == size
    assert tuple(found) == history(size)


def test_a_writer_whose_server_is_down_is_unavailable_until_it_is_back(
    mortal_s3_server: ServerProcess, opened: Open
) -> None:
    sink = opened(attempts=2, backoffMs=1)
    sink.append(0, history(2))
    mortal_s3_server.kill()
    for _ in range(2):
        with pytest.raises(SinkUnavailable, match="check endpoint, and whether the server runs"):
            sink.append(2, history(5)[2:])
        with pytest.raises(SinkUnavailable):
            sink.put("name", b"data")
        with pytest.raises(SinkUnavailable):
            sink.get("name")
    assert sink.size() == 2
    mortal_s3_server.restart()
    sink.append(2, history(5)[2:])
    sink.put("name", b"data")
    assert tuple(sink.read()) == history(5)
    sink.close()
