"""Logs of a test's replicas, from outside."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING
from unittest.mock import patch
from uuid import uuid4

from rynxs.config import load_config
from rynxs.eventlog.record import leaf_hash
from rynxs.plugins import PluginManager

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.servers.endpoint import S3Endpoint


def s3_log(server: S3Endpoint, *options: str) -> str:
    """Make a bucket for a log, and return the log's URL.

    Args:
        server: Where the bucket is.
        options: More settings, as in `attempts=2`.
    """
    bucket = f"log-{uuid4().hex}"
    with closing(server.client()) as client:
        client.create_bucket(Bucket=bucket)
    return f"s3://{bucket}/log?{'&'.join([f'endpoint={server.endpoint}', *options])}"


def leaves(log: str, environment: Mapping[str, str] | None = None) -> list[str]:
    """Return the leaf hashes of a log's records, in hex.

    Args:
        log: Its URL.
        environment: Variables, such as credentials.
    """
    with (
        patch.dict(os.environ, environment or {}),
        closing(load_config(None, PluginManager()).with_log(log).open_reader()) as sink,
    ):
        return [leaf_hash(each.header).hex() for each in sink.read(0)]
