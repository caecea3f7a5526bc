"""``rynxs checkpoint create``: sign the log as it stands."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import (
    ClockOption,
    ConfigOption,
    JsonOption,
    LogOption,
    SignerOption,
    configured,
)

if TYPE_CHECKING:
    from rich.console import Console


def command(
    signer: SignerOption = None,
    log: LogOption = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="Verify every record, and make all tiles anew."),
    ] = False,
    clock: ClockOption = "system",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Sign a checkpoint of the log as it stands, store it, and print it.

    What the newest checkpoint covers is not read again if this key has signed it. The log must not
    be open in another writer: only durable records are signed.
    """
    from rynxs.cli.console import emit
    from rynxs.cli.progress import track
    from rynxs.errors import UsageError
    from rynxs.eventlog import checkpoint as cp
    from rynxs.eventlog.chain import Chain
    from rynxs.eventlog.genesis import origin_of
    from rynxs.eventlog.log import Log
    from rynxs.eventlog.publication import publish, republish
    from rynxs.eventlog.resume import chain_signed_by
    from rynxs.sources import parse_sources

    chosen = configured(config, log, signer)
    key = chosen.signer()
    if key is None:
        raise UsageError(
            "no key to sign with; give --signer ed25519:FILE or settings.signer.keyFile"
        )
    sources = parse_sources(clock)
    with closing(chosen.open_reader()):
        pass  # a log that is not there must not be made
    with closing(chosen.open_writer(sources)) as sink:
        # Not Log.open: a signature vouches for every record, so what no signature covers is read.
        opened = Log(sink, Chain() if full else chain_signed_by(sink, [key]))
        for _ in track(opened.history(), sink.size() - opened.size, "verifying"):
            pass
        made = opened.checkpoint(origin_of(sink) or chosen.origin)
        signed = cp.sign(made, [key])
        (republish if full else publish)(sink, made, signed)
        opened.save()

    def show(console: Console) -> None:
        sys.stdout.write(signed.decode())

    emit(json, {"checkpoint": signed.decode(), "origin": made.origin, "size": made.size}, show)
