"""The S3 sink passes the kit: on a server in this process, and with every request failing."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore import exceptions as boto

from rynxs.testing import IOCall, SinkConformance
from rynxs.testing.sink.failing import FailingIO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tests.conftest import MemoryS3
    from tests.servers.moto import MotoServer

REQUESTS = (
    *("put_object", "get_object", "list_objects_v2"),
    *("list_object_versions", "delete_object", "get_object_lock_configuration"),
)
FAILURES: dict[Callable[..., Exception], bool] = {
    boto.EndpointConnectionError: False,
    boto.ConnectionClosedError: True,
    boto.ReadTimeoutError: True,
}
"""Errors of the driver, and whether the request may have been carried out."""
LONG = (
    "test_every_range_is_what_slicing_gives",
    "test_a_read_that_has_begun_goes_on_beside_an_erasure",
    "test_appending_goes_on_after_an_erasure",
    "test_more_names_than_a_page_are_listed",
    "test_objects_put_together_are_each_got_as_they_were_put",
    "test_what_is_erased_is_gone_for_good_and_all_else_is_as_it_was",
)


class TestS3(SinkConformance):
    plugin_module = "rynxs_sink_s3.plugin"
    kills = int(os.environ.get("RYNXS_KILLS", "5"))
    failing_uses = int(os.environ.get("RYNXS_FAILING_USES", "4"))
    preload = ("plugins.sink_s3.tests.preloaded",)
    io_calls = tuple(
        IOCall(
            f"plugins.sink_s3.tests.conftest:MemoryS3.{request}",
            partial(failure, endpoint_url="http://server"),
            may_have_happened=lost,
        )
        for request in REQUESTS
        for failure, lost in FAILURES.items()
    )
    endpoint: str

    @pytest.fixture(autouse=True)
    def _server(self, request: pytest.FixtureRequest, moto: MotoServer) -> None:
        self.endpoint = moto.endpoint
        if request.function.__name__ in {*vars(FailingIO), *LONG}:
            # Hundreds of requests; the real servers answer them in tests/e2e.
            request.getfixturevalue("memory_s3")

    def settings(self, place: Path) -> Mapping[str, Any]:
        return {
            "bucket": "logs",
            "prefix": f"{place.parent.name}/{place.name}",
            "endpoint": self.endpoint,
            "attempts": 2,
            "backoffMs": 0,
        }


def test_the_driver_in_memory_answers_as_the_server_does(client: Any, memory_s3: MemoryS3) -> None:
    version = '"8d777f385d3dfec8815d20f7496026dc"'
    requests: list[tuple[str, dict[str, Any]]] = []
    for condition in ({}, {"IfNoneMatch": "*"}, {"IfMatch": version}, {"IfMatch": '"0"'}):
        for key in ("twin/a", "twin/a/b", "twin/c"):
            requests += [
                ("put_object", {"Key": key, "Body": b"data", **condition}),
                ("get_object", {"Key": key}),
                ("get_object", {"Key": f"{key}/missing"}),
                ("put_object", {"Key": f"{key}/missing", "Body": b"", "IfMatch": version}),
            ]
    for after in ({}, {"StartAfter": "twin/a"}, {"StartAfter": "twin/a/b"}, {"StartAfter": "z"}):
        for most in (1, 2, 1_000):
            listing = {"Prefix": "twin/", "MaxKeys": most, **after}
            requests.append(("list_objects_v2", listing))
    for operation, request in requests:
        answers = [_answer(driver, operation, request) for driver in (memory_s3, client)]
        assert answers[0] == answers[1], (operation, request)


def _answer(driver: Any, operation: str, request: Mapping[str, Any]) -> Sequence[Any]:
    try:
        answer = getattr(driver, operation)(Bucket="logs", **request)
    except boto.ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return (status, error.response["Error"]["Code"])
    keys = [found["Key"] for found in answer.get("Contents", ())]
    body = answer["Body"].read() if "Body" in answer else None
    return (body, keys, *map(answer.get, ("ETag", "IsTruncated")))
