"""``rynxs keys show``: the public part of a signing key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import ConfigOption, JsonOption, configured

if TYPE_CHECKING:
    from rich.console import Console

_FILE_SIZE_MAX = 64 * 1024


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file of the private key.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Print the vkey of a private key's file; the private key is never printed."""
    from rynxs.cli.console import emit
    from rynxs.errors import KeyFileError

    scheme = configured(config).signer_scheme()
    try:
        with file.open("rb") as opened:
            text = opened.read(_FILE_SIZE_MAX).decode(errors="replace")
    except OSError as error:
        raise KeyFileError(f"{file}: {error.strerror}") from None
    try:
        vkey = scheme.public_key(text)
    except KeyFileError as error:
        raise KeyFileError(f"{file}: {error}") from None

    def show(console: Console) -> None:
        console.print(vkey, markup=False)

    emit(json, {"vkey": vkey}, show)
