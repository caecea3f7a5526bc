"""``rynxs checkpoint show``: the newest stored checkpoint, or one of a size."""

from __future__ import annotations

import base64
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import ConfigOption, JsonOption, LogOption, configured

if TYPE_CHECKING:
    from rich.console import Console


def command(
    size: Annotated[
        int | None,
        typer.Option("--size", min=0, help="The one of this size.", show_default="the newest"),
    ] = None,
    log: LogOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show a stored checkpoint as it was signed; nothing is verified."""
    from rynxs.cli.console import emit
    from rynxs.errors import UsageError
    from rynxs.eventlog import checkpoint as cp

    name = cp.LATEST if size is None else cp.numbered_name(size)
    with closing(configured(config, log).open_reader()) as sink:
        stored = sink.get(name)
        if stored is None:
            sizes = ", ".join(
                str(int(other.rpartition("/")[2])) for other in sink.list(cp.NUMBERED)
            )
            raise UsageError(f"no such checkpoint is stored; stored are sizes: {sizes or 'none'}")
    body, signed = cp.parse(stored.data)
    document = {
        "checkpoint": stored.data.decode(),
        "origin": body.origin,
        "root": base64.b64encode(body.root).decode(),
        "signatures": [{"keyId": s.key_id.hex(), "name": s.name} for s in signed.signatures],
        "size": body.size,
    }

    def show(console: Console) -> None:
        sys.stdout.write(stored.data.decode())

    emit(json, document, show)
