"""What takes the S3 sink's time in each new process: the driver, and its description of S3."""

from __future__ import annotations

from rynxs_sink_s3 import reader, writer
from rynxs_sink_s3.client import make_client
from rynxs_sink_s3.settings import S3Settings

__all__ = ["reader", "writer"]

make_client(S3Settings(bucket="logs", endpoint="127.0.0.1:1")).close()
