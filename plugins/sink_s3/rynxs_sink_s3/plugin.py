"""The hook: the sink named ``s3``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rynxs.api import SinkPlugin, hookimpl
from rynxs_sink_s3.settings import S3Settings, parse_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rynxs.api import Sink, Sources
    from rynxs_sink_s3.bucket import Bucket


@hookimpl
def rynxs_sink() -> SinkPlugin:
    """Return the S3 sink."""
    return SinkPlugin(
        name="s3",
        settings=S3Settings,
        parse_url=parse_url,
        open_writer=_open_writer,
        open_reader=_open_reader,
    )


def _open_writer(settings: S3Settings, sources: Sources) -> Sink:
    import secrets

    from rynxs_sink_s3.batch_object import WRITER_ID_SIZE
    from rynxs_sink_s3.writer import S3Writer, utc_now

    # Not of `sources`: two writers with fixed sources must still be told apart, and retention is
    # counted from the real date. Neither gets into a record.
    token = secrets.token_bytes(WRITER_ID_SIZE)
    with _bucket(settings) as bucket:
        return S3Writer(bucket, settings, token, utc_now)


def _open_reader(settings: S3Settings) -> Sink:
    from rynxs_sink_s3.reader import S3Reader
    from rynxs_sink_s3.writer import utc_now

    with _bucket(settings) as bucket:
        return S3Reader(bucket, settings, utc_now)


@contextmanager
def _bucket(settings: S3Settings) -> Iterator[Bucket]:
    """Yield the bucket, and close its connections if what is to use it does not open."""
    from rynxs_sink_s3.bucket import Bucket, Patience
    from rynxs_sink_s3.client import make_client

    patience = Patience(settings.attempts, settings.backoff_ms / 1_000)
    bucket = Bucket(make_client(settings), settings, patience)
    try:
        yield bucket
    except BaseException:
        bucket.close()
        raise
