"""How often, and after which pauses, a request is sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from rynxs.api import SinkUnavailable
from rynxs_sink_s3.bucket import Bucket, Patience
from rynxs_sink_s3.settings import S3Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import MemoryS3

LOST = ConnectionClosedError(endpoint_url="http://server")
DENIED = ClientError(
    {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "PutObject"
)
REQUESTS: dict[str, Callable[[Bucket], Any]] = {
    "put_object": lambda bucket: bucket.store("key", b"data"),
    "get_object": lambda bucket: bucket.fetch("key", 10),
    "list_objects_v2": lambda bucket: bucket.keys("k"),
}


class Failing:
    """A driver whose requests fail, so many times."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, memory: MemoryS3) -> None:
        self._patch = monkeypatch
        self._memory = memory
        self.sent = 0

    def fail(self, request: str, error: Exception, times: int) -> None:
        real = getattr(self._memory, request)
        self.sent = 0

        def failing(**arguments: Any) -> Any:
            self.sent += 1
            if self.sent <= times:
                raise error
            return real(**arguments)

        self._patch.setattr(self._memory, request, failing)


@pytest.fixture
def driver(memory_s3: MemoryS3, monkeypatch: pytest.MonkeyPatch) -> Failing:
    memory_s3.objects["key"] = b"data"
    return Failing(monkeypatch, memory_s3)


@pytest.fixture
def pauses() -> list[float]:
    """The pauses of `bucket`, in seconds."""
    return []


@pytest.fixture
def bucket(memory_s3: MemoryS3, pauses: list[float]) -> Bucket:
    """A bucket that is tried six times, with the longest pauses that it may make."""
    patience = Patience(6, 0.5, sleep=pauses.append, jitter=lambda: 1.0)
    return Bucket(memory_s3, S3Settings(bucket="logs"), patience)


@pytest.mark.parametrize("request_name", REQUESTS)
def test_pauses_double_up_to_five_seconds(
    request_name: str, driver: Failing, bucket: Bucket, pauses: list[float]
) -> None:
    driver.fail(request_name, LOST, 5)
    REQUESTS[request_name](bucket)
    assert driver.sent == 6
    assert pauses == [0.5, 1, 2, 4, 5]


@pytest.mark.parametrize("request_name", REQUESTS)
def test_after_the_last_attempt_there_is_no_pause(
    request_name: str, driver: Failing, bucket: Bucket, pauses: list[float]
) -> None:
    driver.fail(request_name, LOST, 6)
    with pytest.raises(SinkUnavailable, match="s3://logs/: "):
        REQUESTS[request_name](bucket)
    assert driver.sent == 6
    assert len(pauses) == 5


@pytest.mark.parametrize("request_name", REQUESTS)
def test_what_would_not_help_is_not_tried_again(
    request_name: str, driver: Failing, bucket: Bucket, pauses: list[float]
) -> None:
    driver.fail(request_name, DENIED, 1)
    with pytest.raises(SinkUnavailable, match="is not allowed"):
        REQUESTS[request_name](bucket)
    assert (driver.sent, pauses) == (1, [])


def test_the_jitter_shortens_a_pause_to_anything_down_to_none() -> None:
    pauses: list[float] = []
    jitters = iter([0.0, 0.25, 0.5])
    patience = Patience(6, 0.1, sleep=pauses.append, jitter=lambda: next(jitters))
    for attempt in range(3):
        patience.pause(attempt)
    assert pauses == [0.0, 0.05, 0.2]


def test_what_is_tried_once_is_tried_once(
    driver: Failing, bucket: Bucket, pauses: list[float]
) -> None:
    driver.fail("put_object", LOST, 2)
    assert bucket.try_to_store("hint", b"{}") is False
    assert bucket.create_at_once("probe/1", b"") is not None
    assert (driver.sent, pauses) == (2, [])
    assert bucket.try_to_store("hint", b"{}") is True
    assert bucket.create_at_once("probe/1", b"") is None
