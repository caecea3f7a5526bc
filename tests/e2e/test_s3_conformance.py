"""The S3 sink passes the kit on real servers, its writers killed a hundred times on both."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore import exceptions as boto

from rynxs.testing import IOCall, SinkConformance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.servers.process import ServerProcess

SEND = "botocore.httpsession:URLLib3Session.send"
FAILURES: dict[Callable[..., Exception], bool] = {
    boto.EndpointConnectionError: False,
    boto.ReadTimeoutError: True,
}
"""Errors of the driver, and whether the request may have been carried out."""


class OnServer(SinkConformance):
    plugin_module = "rynxs_sink_s3.plugin"
    kills = int(os.environ.get("RYNXS_KILLS", "50"))
    # On moto each use fails once; here it is the answers of the server that are different.
    failing_uses = int(os.environ.get("RYNXS_FAILING_USES", "12"))
    io_calls = tuple(
        IOCall(SEND, partial(failure, endpoint_url="http://server"), may_have_happened=lost)
        for failure, lost in FAILURES.items()
    )
    endpoint: str
    bucket: str

    def settings(self, place: Path) -> Mapping[str, Any]:
        return {
            "bucket": self.bucket,
            "prefix": f"{place.parent.name}/{place.name}",
            "endpoint": self.endpoint,
            "attempts": 3,
            "backoffMs": 1,
        }

    def use(self, server: ServerProcess, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
        self.endpoint, self.bucket = server.endpoint, bucket


@pytest.mark.parametrize("s3_server", ["minio"], indirect=True)
class TestOnMinio(OnServer):
    @pytest.fixture(autouse=True)
    def _server(
        self, s3_server: ServerProcess, bucket: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.use(s3_server, bucket, monkeypatch)


@pytest.mark.parametrize("s3_server", ["versitygw"], indirect=True)
class TestOnVersitygw(OnServer):
    @pytest.fixture(autouse=True)
    def _server(
        self, s3_server: ServerProcess, bucket: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.use(s3_server, bucket, monkeypatch)
