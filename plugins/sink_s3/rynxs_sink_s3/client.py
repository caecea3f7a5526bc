"""The boto3 client that the settings ask for."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rynxs.api import SinkUnavailable
from rynxs_sink_s3.payloads import AT_ONCE

if TYPE_CHECKING:
    from rynxs_sink_s3.settings import S3Settings

_REGION = "us-east-1"
_CONNECTIONS_MIN = 10
_STYLES = {None: "auto", True: "path", False: "virtual"}


def make_client(settings: S3Settings) -> Any:
    """Return a client; credentials come from the environment, files or roles, as AWS has it.

    Raises:
        SinkUnavailable: the profile or the file of authorities can't be used.
    """
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    if settings.ca_file is not None and not Path(settings.ca_file).is_file():
        raise SinkUnavailable(f"{settings.url}: caFile {settings.ca_file} is not a file")
    style = _STYLES[settings.path_style]
    if settings.path_style is None and settings.endpoint is not None:
        style = "path"
    config = Config(
        retries={"total_max_attempts": 1},  # see rynxs_sink_s3.bucket
        connect_timeout=settings.connect_timeout_ms / 1_000,
        read_timeout=settings.read_timeout_ms / 1_000,
        max_pool_connections=max(_CONNECTIONS_MIN, settings.read_ahead + AT_ONCE + 1),
        s3={"addressing_style": style},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        tcp_keepalive=True,
    )
    try:
        session = Session(profile=settings.profile)
        session.register_component("data_loader", _service_models())
        return session.create_client(
            "s3",
            region_name=settings.region or session.get_config_variable("region") or _REGION,
            endpoint_url=settings.endpoint_url,
            verify=settings.ca_file,
            config=config,
        )
    except (BotoCoreError, ValueError, OSError) as error:
        raise SinkUnavailable(f"{settings.url}: {error}") from error


@cache
def _service_models() -> Any:
    """Return the loader of the driver's models, which takes 0.2 s and 10 MB to fill; one for all.

    Sessions are not shared: each finds its credentials anew.
    """
    from botocore.loaders import create_loader

    return create_loader()
