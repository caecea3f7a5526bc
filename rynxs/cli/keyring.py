"""Public keys given on the command line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.config import Config
    from rynxs.eventlog.note import NoteVerifier

_FILE_SIZE_MAX = 64 * 1024
_VKEY = re.compile(r"[^+\s]+\+[^+]+\+\S+")


def verifiers(config: Config, keys: Sequence[str] | None) -> list[NoteVerifier]:
    """Return the keys of vkeys, or of files that hold one a line.

    Raises:
        KeyFileError: a key is neither.
    """
    if not keys:
        return []
    scheme = config.signer_scheme()
    return [scheme.parse_verifier(vkey) for key in keys for vkey in _vkeys(key)]


def _vkeys(text: str) -> list[str]:
    from rynxs.errors import KeyFileError

    if _VKEY.fullmatch(text):
        return [text]
    try:
        with Path(text).open(encoding="utf-8") as file:
            lines = file.read(_FILE_SIZE_MAX).splitlines()
    except UnicodeDecodeError:
        raise KeyFileError(f"{text}: not a file of public keys") from None
    except OSError as error:
        raise KeyFileError(
            f"--key {text}: neither a vkey (name+id+base64) nor a file of them: {error.strerror}"
        ) from None
    found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not found:
        raise KeyFileError(f"--key {text}: no key in it")
    return found
