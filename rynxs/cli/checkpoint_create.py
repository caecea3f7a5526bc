"""``rynxs checkpoint create``: sign the log as it stands."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING

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
    clock: ClockOption = "system",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Sign a checkpoint of the log as it stands, store it, and print it.

    The log must not be open in another writer: only durable records are signed.
    """
    from rynxs.cli.console import emit
    from rynxs.cli.progress import track
    from rynxs.errors import UsageError
    from rynxs.eventlog import checkpoint as cp
    from rynxs.eventlog.genesis import origin_of
    from rynxs.eventlog.log import Log
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
        # Not Log.open: a signature vouches for every record, so every record is read.
        opened = Log.load(sink)
        for _ in track(opened.history(), sink.size(), "verifying"):
            pass
        made = opened.checkpoint(origin_of(sink) or chosen.origin)
        signed = cp.sign(made, [key])
        cp.store(sink, made, signed)
        opened.save()

    def show(console: Console) -> None:
        sys.stdout.write(signed.decode())

    emit(json, {"checkpoint": signed.decode(), "origin": made.origin, "size": made.size}, show)
