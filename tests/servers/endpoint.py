"""Where an S3 server is reached, and with which credentials."""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING, Any

from boto3.session import Session
from botocore.config import Config

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK = "127.0.0.1"
REGION = "us-east-1"
ONE_ATTEMPT = Config(
    s3={"addressing_style": "path"},
    retries={"total_max_attempts": 1},
    connect_timeout=5,
    read_timeout=30,
    max_pool_connections=32,
)
"""A test sees each answer itself; nothing is tried again behind its back."""


class S3Endpoint:
    """What a client has to know of a server; the credentials are random, so no other accepts them.

    Attributes:
        endpoint: The address as `127.0.0.1:PORT`.
        access_key: The access key id.
        secret_key: The secret that belongs to it.
        region: The region that requests are signed for.
        ca_file: What to verify the server's certificate with; none when it speaks plain HTTP.
    """

    def __init__(self, port: int, ca_file: Path | None = None) -> None:
        self.endpoint = f"{LOOPBACK}:{port}"
        self.access_key = token_hex(8)
        self.secret_key = token_hex(16)
        self.region = REGION
        self.ca_file = ca_file

    def client(self, through: str | None = None, config: Config = ONE_ATTEMPT) -> Any:
        """Make a boto3 client, which threads may share.

        Args:
            through: The address of a proxy to send the requests to instead.
            config: Time limits, number of attempts and the like.
        """
        scheme = "https" if self.ca_file else "http"
        return Session().client(
            "s3",
            endpoint_url=f"{scheme}://{through or self.endpoint}",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=self.region,
            verify=str(self.ca_file) if self.ca_file else None,
            config=config,
        )
