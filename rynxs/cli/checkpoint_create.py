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

    All keys given sign. What the newest checkpoint covers is not read again if they have signed it.
    The log must not be open in another writer: only durable records are signed.
    """
    from rynxs.cli.console import emit
    from rynxs.cli.progress import track
    from rynxs.errors import UsageError
    from rynxs.eventlog.chain import Chain
    from rynxs.eventlog.genesis import origin_of
    from rynxs.eventlog.log import Log
    from rynxs.eventlog.publication import publish, republish
    from rynxs.eventlog.resume import chain_signed_by
    from rynxs.eventlog.signing import Retired, sign
    from rynxs.sources import parse_sources

    chosen = configured(config, log, signer)
    sources = parse_sources(clock)
    keys = chosen.signers(sources)
    if not keys:
        raise UsageError(
            "no key to sign with; give --signer ed25519:FILE or settings.signer.keyFile"
        )
    with closing(chosen.open_reader()):
        pass  # a log that is not there must not be made
    with closing(chosen.open_writer(sources)) as sink:
        # Not Log.open: a signature vouches for every record, so what no signature covers is read.
        opened = Log(sink, Chain() if full else chain_signed_by(sink, keys))
        retired = Retired.at(sink, opened.size)
        for batch in track(opened.history(), sink.size() - opened.size, "verifying"):
            for header, record in batch:
                retired.follow(header, record)
        retired.refuse(keys)
        made = opened.checkpoint(origin_of(sink) or chosen.origin)
        signed = sign(sink, made, keys)
        (republish if full else publish)(sink, made, signed)
        opened.save()

    def show(console: Console) -> None:
        sys.stdout.write(signed.decode())

    emit(json, {"checkpoint": signed.decode(), "origin": made.origin, "size": made.size}, show)
