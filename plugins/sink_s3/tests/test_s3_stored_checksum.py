"""What fails the server's own checksum is judged by what it holds, and not as unavailable."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import FlexibleChecksumError

from rynxs.api import SinkCorrupt
from rynxs_sink_s3.batches import Batches
from rynxs_sink_s3.bucket import Bucket, Patience
from rynxs_sink_s3.settings import S3Settings


class Damaged:
    """A client of a server whose object does not have the checksum that is stored with it."""

    def get_object(self, **request: Any) -> dict[str, Any]:
        body = _Failing(b"garbage") if "ChecksumMode" in request else BytesIO(b"garbage")
        return {"Body": body, "ContentLength": 7, "ETag": '"1"'}


class _Failing(BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise FlexibleChecksumError(error_msg="Expected checksum a did not match")


def test_a_batch_that_fails_the_servers_checksum_too_is_corrupt() -> None:
    settings = S3Settings.model_validate({"bucket": "logs"})
    bucket = Bucket(Damaged(), settings, Patience(2, 0.0))
    assert bucket.fetch("checkpoint", 100) == (b"garbage", '"1"')
    with pytest.raises(SinkCorrupt, match="record 5: log/00000000000000000005 is cut short"):
        Batches(bucket).fetch(5)
