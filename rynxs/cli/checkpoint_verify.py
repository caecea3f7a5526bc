"""``rynxs checkpoint verify``: a checkpoint's signatures, and that the log has what it says."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import (
    ConfigOption,
    JsonOption,
    KeyOption,
    LogOption,
    RequireOption,
    configured,
)

if TYPE_CHECKING:
    from rich.console import Console


def command(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="The checkpoint; default is the newest stored one.",
            show_default=False,
        ),
    ] = None,
    key: KeyOption = None,
    require: RequireOption = None,
    old: Annotated[
        Path | None,
        typer.Option(
            "--old",
            metavar="CHECKPOINT",
            help="One kept from before: the log must have grown from it.",
            show_default=False,
        ),
    ] = None,
    log: LogOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Verify a checkpoint: signed by a key given, and its root is that of the log's records.

    A key given stands for those that the log's own records link it to by rotation.
    With --old also that the log only grew since: nothing that OLD covers is gone or rewritten.
    """
    from rynxs.cli.console import emit
    from rynxs.cli.keyring import trusted
    from rynxs.cli.notes import read_note, stored_note
    from rynxs.cli.progress import track
    from rynxs.errors import CheckpointRefused, UsageError
    from rynxs.eventlog.growth import Growth
    from rynxs.eventlog.witness import Expected

    chosen = configured(config, log)
    trust = trusted(chosen, key, require)
    if not trust.keys:
        raise UsageError("--key is needed: whose signature is to be believed?")
    with closing(chosen.open_reader()) as sink:
        data = stored_note(sink) if file is None else read_note(file)
        expected = [Expected.of(str(file or "checkpoint"), data, trust.required)]
        wanted = expected[0].checkpoint
        if old is not None:
            expected.append(Expected.of(str(old), read_note(old), 1))
            older = expected[1].checkpoint
            if older.size > wanted.size:
                raise CheckpointRefused(
                    f"covers {wanted.size} records, {old} covers {older.size}: it was rolled back"
                )
        growth = Growth(sink, trust, expected)
        for _ in track(growth.batches(), growth.size, "verifying"):
            pass
        signed_by = growth.checked[0].signed_by

    def show(console: Console) -> None:
        console.print(
            f"checkpoint: {wanted.size} records of {wanted.origin}, signed by "
            f"{', '.join(signed_by)}, match the log",
            markup=False,
        )
        if old is not None:
            console.print(f"growth: the log starts with the {older.size} records of {old}")

    document = {
        "oldSize": None if old is None else older.size,
        "origin": wanted.origin,
        "signedBy": signed_by,
        "size": wanted.size,
        "verified": True,
    }
    emit(json, document, show)
