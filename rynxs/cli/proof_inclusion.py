"""``rynxs proof inclusion``: a file that proves that a record is in the signed log."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import ConfigOption, JsonOption, LogOption, ProofOutOption, configured

if TYPE_CHECKING:
    from rich.console import Console

    from rynxs.eventlog.sink import Sink


def command(
    record: Annotated[
        str,
        typer.Argument(
            metavar="SEQ|SUBJECT", help="A record, or a subject: its newest that is signed."
        ),
    ],
    payload: Annotated[
        bool, typer.Option("--payload", help="Put the record's payload and salt into the proof.")
    ] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help="The checkpoint to lead to; default is the newest stored one.",
            show_default=False,
        ),
    ] = None,
    out: ProofOutOption = None,
    log: LogOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Prove that a record is in the log, for whoever has the public key and nothing else.

    The proof is a tlog-proof (c2sp.org/tlog-proof) with the record's header; rynxs proof verify
    checks it without the log.
    """
    from rynxs.cli.console import emit
    from rynxs.cli.notes import read_note, stored_note, write_proof
    from rynxs.eventlog.checkpoint import parse
    from rynxs.eventlog.proving import prove_inclusion, record_at, with_content

    with closing(configured(config, log).open_reader()) as sink:
        note = read_note(checkpoint) if checkpoint else stored_note(sink)
        size = parse(note)[0].size
        seq = _seq(sink, record, size)
        made = prove_inclusion(sink, note, seq)
        if payload:
            made = with_content(made, record_at(sink, seq))

    write_proof(made.text(), out)

    def show(console: Console) -> None:
        if out is None:
            sys.stdout.write(made.text().decode())
        else:
            console.print(f"proof: record {seq} in {size} records, written to {out}", markup=False)

    emit(json, {"proof": made.text().decode(), "seq": seq, "size": size}, show)


def _seq(sink: Sink, record: str, size: int) -> int:
    """Return the seq that an argument names.

    Raises:
        UsageError: it is no number, and no subject of a record that is signed.
    """
    from rynxs.errors import UsageError
    from rynxs.eventlog.proving import newest_of
    from rynxs.eventlog.record import is_subject

    if record.isascii() and record.isdigit():
        return int(record)
    if not record or not is_subject(record):
        raise UsageError(f"{record!r} is neither a seq nor a subject, group/Kind[/namespace]/name")
    seq = newest_of(sink, record, size)
    if seq is None:
        raise UsageError(f"none of the {size} records that are signed is about {record}")
    return seq
