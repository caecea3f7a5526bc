"""The settings of the LMDB sink, and the URLs that name its logs."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote

from pydantic import Field, field_validator

from rynxs.api import ConfigError, ConfigModel

MAP_BYTES_MIN = 1024 * 1024

_URL_SETTINGS = {"mapBytesMax"}
_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)


class LmdbSettings(ConfigModel):
    """``settings.sink`` of the LMDB sink."""

    path: str = Field(
        "rynxs-log.mdb", min_length=1, pattern=r"^[^\x00]*$", description="File of the log."
    )
    map_bytes_max: int = Field(
        2**40,
        ge=MAP_BYTES_MIN,
        le=2**46,
        description="The map, and with it the file, is grown by doubling to at most so many bytes.",
    )

    @field_validator("path")
    @classmethod
    def _is_no_file_of_another_log(cls, path: str) -> str:
        # LMDB keeps its locks in a file of that name, and would write over a log that has it; the
        # file in which a log is written anew is removed when one is left behind.
        if path.endswith("-lock"):
            raise ValueError("ends in -lock, as the lock file of another log does")
        if path.endswith("-rewrite"):
            raise ValueError("ends in -rewrite, as the file that is to replace another log does")
        return path


def parse_url(rest: str) -> dict[str, Any]:
    """Return settings from ``PATH[?mapBytesMax=N]``, as in ``lmdb:./log.mdb``.

    Raises:
        ConfigError: no path, or an unknown or ill-typed setting.
    """
    path, _, query = rest.partition("?")
    if path.startswith("//") and not path.startswith("///"):
        raise ConfigError(f"lmdb:{rest}: names a host; expected is lmdb:PATH or lmdb:///PATH")
    path = unquote(path.removeprefix("//"))
    if not path:
        raise ConfigError("lmdb: names no file; expected is lmdb:PATH, as lmdb:./log.mdb")
    settings: dict[str, Any] = {"path": path}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in _URL_SETTINGS:
            raise ConfigError(f"lmdb:{rest}: unknown setting '{key}', allowed is mapBytesMax")
        if not _DIGITS.fullmatch(value):
            raise ConfigError(f"lmdb:{rest}: {key} is {value!r}, a number of bytes is expected")
        settings[key] = int(value)
    return settings
