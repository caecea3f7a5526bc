"""``rynxs checkpoint cosign``: a second party's signature on a log's checkpoint."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import (
    ClockOption,
    ConfigOption,
    JsonOption,
    KeyOption,
    LogOption,
    SignerOption,
    configured,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from rynxs.config import Config
    from rynxs.eventlog.cosigning import Request
    from rynxs.eventlog.note import SigningKey
    from rynxs.sources import Sources


def command(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="The checkpoint; default is the newest one that the log holds.",
            show_default=False,
        ),
    ] = None,
    key: KeyOption = None,
    signer: SignerOption = None,
    old: Annotated[
        Path | None,
        typer.Option(
            "--old",
            metavar="CHECKPOINT",
            help="What you cosigned last of this log: it must only have grown since.",
            show_default=False,
        ),
    ] = None,
    log: LogOption = None,
    store: Annotated[
        bool,
        typer.Option("--store", help="Add the signature to the log's newest checkpoint too."),
    ] = False,
    clock: ClockOption = "system",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Cosign a checkpoint that is signed by the log's --key, and print it with the added line.

    Keep what is printed, and give it as --old the next time. The log's records are read, and what
    the checkpoint says is compared with them; without a log (FILE, and no --log), only what needs
    no records is compared. The keys are cosigners': rynxs keys generate --cosigner.
    """
    from rynxs.cli.console import emit
    from rynxs.cli.keyring import trusted
    from rynxs.errors import UsageError
    from rynxs.eventlog import checkpoint as cp
    from rynxs.eventlog import cosigning
    from rynxs.sources import parse_sources

    chosen = configured(config, log, signer)
    trust = trusted(chosen, key)
    if not trust.keys:
        raise UsageError("--key is needed: the log's, whose signature is to be believed")
    sources = parse_sources(clock)
    keys = chosen.signers(sources)
    if not keys:
        raise UsageError("--signer is needed: your own key, of rynxs keys generate --cosigner")
    has_log = file is None or log is not None
    if store and not has_log:
        raise UsageError("--store needs --log: where is the checkpoint to be stored?")
    cosigning.check_cosigners(keys)
    data = _verified(chosen, cosigning.Request(trust, keys), file, old, has_log)
    signed = cosigning.cosign(data, keys)
    if store:
        signed = _store(chosen, sources, signed, keys)
    made = cp.parse(signed)[0]

    def show(console: Console) -> None:
        sys.stdout.write(signed.decode())

    document = {
        "checkpoint": signed.decode(),
        "cosignedBy": [cosigner.name for cosigner in keys],
        "origin": made.origin,
        "size": made.size,
        "stored": store,
    }
    emit(json, document, show)


def _verified(
    chosen: Config, request: Request, file: Path | None, old: Path | None, has_log: bool
) -> bytes:
    """Return the checkpoint's bytes, once it holds."""
    from rynxs.cli.notes import read_note, stored_note
    from rynxs.cli.progress import track

    older = (str(old), read_note(old)) if old is not None else None
    if file is not None and not has_log:
        data = read_note(file)
        request.judge_without_log((str(file), data), older)
        return data
    with closing(chosen.open_reader()) as sink:
        data = stored_note(sink) if file is None else read_note(file)
        growth = request.growth(sink, (str(file or "checkpoint"), data), older)
        for _ in track(growth.batches(), growth.size, "verifying"):
            pass
    return data


def _store(chosen: Config, sources: Sources, signed: bytes, keys: Sequence[SigningKey]) -> bytes:
    """Add signatures to the newest checkpoint of the log; return it as it is stored."""
    from rynxs.eventlog import cosigning

    with closing(chosen.open_writer(sources)) as sink:
        return cosigning.add(sink, signed, keys)
