"""``rynxs keys show``: the public part of a signing key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import ConfigOption, JsonOption, configured

if TYPE_CHECKING:
    from rich.console import Console


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file of the private key.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Print the vkey of a private key's file; the private key is never printed."""
    from rynxs.cli.console import emit
    from rynxs.cli.keyring import private_key

    vkey, _ = private_key(configured(config), file)

    def show(console: Console) -> None:
        console.print(vkey, markup=False)

    emit(json, {"vkey": vkey}, show)
