"""Reading the file of a private key, which nobody but its owner, or its group, may get at."""

from __future__ import annotations

import os
import re
import stat

from rynxs.errors import KeyFileError

_SIZE_MAX = 4096
_PUBLIC = re.compile(rb"[^+\s]+\+[0-9a-f]{8}\+\S+\s*")
# Group read stays allowed: a Kubernetes Secret is mounted 0440 for the pod's group.
_TOO_OPEN = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP


def read_private_key(path: str) -> str:
    """Return the text of a private key's file.

    Raises:
        KeyFileError: it is missing, unreadable, a public key, or its mode lets others at it.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            data = file.read(_SIZE_MAX + 1)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from None
    if _PUBLIC.fullmatch(data):
        raise KeyFileError(f"{path}: a public key; the private one is wanted here")
    if mode & _TOO_OPEN:
        raise KeyFileError(
            f"{path}: mode {mode:04o} lets others at a private key; run: chmod 600 {path}"
        )
    return data.decode(errors="replace")
