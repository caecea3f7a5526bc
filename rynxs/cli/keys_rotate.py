"""``rynxs keys rotate``: a new key takes over from the one that signs a log."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
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
    file: Annotated[
        Path,
        typer.Argument(metavar="NEWKEYFILE", help="The new private key, of rynxs keys generate."),
    ],
    signer: SignerOption = None,
    log: LogOption = None,
    clock: ClockOption = "system",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Let a new key take over from the first --signer, and say so in the log.

    Both keys sign the record, and a checkpoint of the log with it. So whoever knows one of them can
    verify what the other one signs. Sign with the new key from then on: what the old key alone
    signs later is refused. A rotation that was cut off is finished by the same command.
    """
    from rynxs.cli.console import emit
    from rynxs.cli.keyring import private_key
    from rynxs.cli.logs import set_up_logs
    from rynxs.embedded.key_rotation import KeyRotation
    from rynxs.errors import UsageError
    from rynxs.sources import parse_sources

    set_up_logs()
    sources = parse_sources(clock)
    chosen = configured(config, log, signer)
    keys = chosen.signers(sources)
    if not keys:
        raise UsageError("--signer is needed: the key that signs this log now")
    vkey, scheme = private_key(chosen, file)
    (new,) = chosen.with_signers([f"{scheme.name}:{file}"]).signers(sources)
    with closing(chosen.open_reader()):
        pass  # a log that is not there must not be made
    old, *others = keys
    report = KeyRotation(chosen, chosen.composition(), sources).execute(old, new, others)

    def show(console: Console) -> None:
        console.print(f"log: record {report.seq} says that a new key takes over", markup=False)
        console.print(f"old: {old.vkey}", markup=False)
        console.print(f"new: {vkey}", markup=False)
        console.print(f"checkpoint: {report.size} records signed", markup=False)

    document = {
        "checkpoint": report.checkpoint.decode(),
        "new": vkey,
        "old": old.vkey,
        "origin": report.origin,
        "seq": report.seq,
        "size": report.size,
    }
    emit(json, document, show)
