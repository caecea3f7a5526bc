"""The settings of the file sink, and the URLs that name its logs."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote

from pydantic import Field

from rynxs.api import ConfigError, ConfigModel

_URL_SETTINGS = {"segmentBytes"}
_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)


class FileSettings(ConfigModel):
    """``settings.sink`` of the file sink."""

    path: str = Field(
        "rynxs-log", min_length=1, pattern=r"^[^\x00]*$", description="Directory of the log."
    )
    segment_bytes: int = Field(
        64 * 1024 * 1024,
        ge=4096,
        description="A segment that has reached this many bytes is followed by a new one.",
    )


def parse_url(rest: str) -> dict[str, Any]:
    """Return settings from ``PATH[?segmentBytes=N]``, as in ``file:./rynxs-log``.

    Raises:
        ConfigError: no path, or an unknown or ill-typed setting.
    """
    path, _, query = rest.partition("?")
    if path.startswith("//") and not path.startswith("///"):
        raise ConfigError(f"file:{rest}: names a host; expected is file:PATH or file:///PATH")
    path = unquote(path.removeprefix("//"))
    if not path:
        raise ConfigError("file: names no directory; expected is file:PATH, as file:./rynxs-log")
    settings: dict[str, Any] = {"path": path}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in _URL_SETTINGS:
            raise ConfigError(f"file:{rest}: unknown setting '{key}', allowed is segmentBytes")
        if not _DIGITS.fullmatch(value):
            raise ConfigError(f"file:{rest}: {key} is {value!r}, a number of bytes is expected")
        settings[key] = int(value)
    return settings
