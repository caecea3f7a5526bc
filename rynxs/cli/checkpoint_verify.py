"""``rynxs checkpoint verify``: a checkpoint's signatures, and that the log has what it says."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import ConfigOption, JsonOption, KeyOption, LogOption, configured

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
    log: LogOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Verify a checkpoint: signed by a key given, and its root is that of the log's records."""
    from rynxs.cli.console import emit
    from rynxs.cli.keyring import verifiers
    from rynxs.cli.progress import track
    from rynxs.errors import CheckpointRefused, UsageError
    from rynxs.eventlog import checkpoint as cp
    from rynxs.eventlog import note
    from rynxs.eventlog.chain import Chain
    from rynxs.eventlog.genesis import origin_of
    from rynxs.eventlog.log import batched

    chosen = configured(config, log)
    keys = verifiers(chosen, key)
    if not keys:
        raise UsageError("--key is needed: whose signature is to be believed?")
    with closing(chosen.open_reader()) as sink:
        if file is None:
            stored = sink.get(cp.LATEST)
            if stored is None:
                raise UsageError("no checkpoint is stored in this log")
            data = stored.data
        else:
            data = _read(file)
        wanted, signed = cp.parse(data)
        signed_by = note.verify(signed, keys)
        origin = origin_of(sink)
        if origin is not None and origin != wanted.origin:
            raise CheckpointRefused(f"of log {wanted.origin!r}, this log is {origin!r}")
        if wanted.size > sink.size():
            raise CheckpointRefused(
                f"covers {wanted.size} records, the log holds {sink.size()}: records are missing"
            )
        chain = Chain()
        for batch in track(batched(sink.read(0, wanted.size)), wanted.size, "verifying"):
            chain.verify(batch)
    wanted.require_root(chain.frontier.root())

    def show(console: Console) -> None:
        console.print(
            f"checkpoint: {wanted.size} records of {wanted.origin}, signed by "
            f"{', '.join(signed_by)}, match the log",
            markup=False,
        )

    document = {
        "origin": wanted.origin,
        "signedBy": signed_by,
        "size": wanted.size,
        "verified": True,
    }
    emit(json, document, show)


def _read(file: Path) -> bytes:
    from rynxs.errors import UsageError
    from rynxs.eventlog.note import NOTE_SIZE_MAX

    try:
        with file.open("rb") as opened:
            return opened.read(NOTE_SIZE_MAX + 1)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
