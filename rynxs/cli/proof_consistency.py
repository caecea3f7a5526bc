"""``rynxs proof consistency``: a file that proves that the log only grew between checkpoints."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import ConfigOption, JsonOption, LogOption, ProofOutOption, configured

if TYPE_CHECKING:
    from rich.console import Console


def command(
    old: Annotated[
        Path, typer.Argument(metavar="OLD", help="The older checkpoint, kept from before.")
    ],
    new: Annotated[
        Path | None,
        typer.Argument(
            metavar="NEW", help="The newer one; default is the newest stored.", show_default=False
        ),
    ] = None,
    out: ProofOutOption = None,
    log: LogOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Prove that the log of NEW starts with all that OLD covers: nothing was rewritten.

    The proof has the form that witnesses take (c2sp.org/tlog-witness, add-checkpoint); rynxs proof
    verify checks it with OLD and without the log.
    """
    from rynxs.cli.console import emit
    from rynxs.cli.notes import read_note, stored_note, write_proof
    from rynxs.eventlog.checkpoint import parse
    from rynxs.eventlog.proving import prove_consistency

    older, _ = parse(read_note(old))
    with closing(configured(config, log).open_reader()) as sink:
        note = read_note(new) if new else stored_note(sink)
        made = prove_consistency(sink, older, note)
    size = parse(note)[0].size

    write_proof(made.text(), out)

    def show(console: Console) -> None:
        if out is None:
            sys.stdout.write(made.text().decode())
        else:
            text = f"proof: {older.size} records grew to {size}, written to {out}"
            console.print(text, markup=False)

    emit(json, {"old": older.size, "proof": made.text().decode(), "size": size}, show)
