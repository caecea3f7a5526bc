"""``rynxs log verify``: every record, the tree, and the stored checkpoints."""

from __future__ import annotations

import base64
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    from collections.abc import Iterator, Sequence, Sized

    from rich.console import Console

    from rynxs.eventlog.chain import Chain
    from rynxs.eventlog.sink import Sink
    from rynxs.eventlog.trust import Trust
    from rynxs.eventlog.witness import CheckedCheckpoint, Expected

_SHARED_FROM = 200_000
"""Records; fewer are verified here sooner than another process is up."""


def command(
    key: KeyOption = None,
    require: RequireOption = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="CHECKPOINT",
            help="Believe this one, if enough keys given have signed it; read only what follows.",
            show_default=False,
        ),
    ] = None,
    tiles: Annotated[
        bool, typer.Option("--tiles", help="Compare every stored tile with the records, too.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", min=1, max=64, help="Processes.", show_default="one a processor"),
    ] = None,
    log: LogOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Verify the whole log: header form, hash chain, payload hashes, and every stored checkpoint.

    With --key the checkpoints' signatures are checked too, with --require how many keys signed the
    largest one. A key that the log's own records retire counts for the checkpoints of its time.
    One that fails is named; with --json all are.
    With --from only what that checkpoint does not cover is read, and only keys that have signed it
    count: one that was retired before is not seen to be.
    """
    from functools import partial

    from rynxs.cli.console import emit
    from rynxs.cli.keyring import trusted
    from rynxs.cli.progress import track
    from rynxs.embedded.sharing import open_reader, shared, usable_processors
    from rynxs.eventlog.audit import Audit
    from rynxs.eventlog.checkpoint import LATEST, largest_size
    from rynxs.eventlog.tiles import check_tiles

    chosen = configured(config, log)
    trust = trusted(chosen, key, require)
    with closing(chosen.open_reader()) as sink:
        size = sink.size()
        audit = Audit(sink, trust) if start is None else Audit(sink, *_begun(sink, start, trust))
        first = audit.size
        others = (jobs or usable_processors()) - 1
        batches: Iterator[Sized] = audit.batches()
        if others and not first and (jobs or size >= _SHARED_FROM):
            batches = shared(audit, sink, partial(open_reader, config, log), others)
        for _ in track(batches, size - first, "verifying"):
            pass
        tiles_checked = check_tiles(sink, largest_size(sink)) if tiles else None
    result = audit.result()
    document: dict[str, Any] = {
        "checkpoints": [
            {"signedBy": checked.signed_by, "size": checked.size} for checked in result.checkpoints
        ],
        "epoch": result.tip.epoch,
        "from": first,
        "head": result.tip.head.hex(),
        "redacted": result.redacted,
        "redactionsUnfinished": result.unfinished,
        "root": base64.b64encode(result.root).decode(),
        "size": result.size,
        "tiles": tiles_checked,
        "verified": True,
    }

    def show(console: Console) -> None:
        since = f", those since {first} read" if first else ""
        console.print(f"log: {result.size} records verified{since}, epoch {result.tip.epoch}")
        console.print(f"head: {result.tip.head.hex()}")
        console.print(f"root: {document['root']}")
        if tiles_checked is not None:
            console.print(f"tiles: {tiles_checked} objects, all as the records give them")
        if result.redacted:
            console.print(f"redacted: {result.redacted} payloads")
        if result.unfinished:
            seqs = ", ".join(map(str, result.unfinished))
            console.print(
                f"redaction not finished: still there is the payload of {seqs}; the next command "
                "that writes to the log erases it"
            )
        # The newest stands there under its number too.
        numbered = [checked for checked in result.checkpoints if checked.name != LATEST]
        if numbered:
            console.print(_summary(numbered, result.size), markup=False)

    emit(json, document, show)


def _summary(checkpoints: Sequence[CheckedCheckpoint], size: int) -> str:
    """Return how many checkpoints match a log of that size, and who signed how many of them."""
    from collections import Counter

    count = len(checkpoints)
    signers = Counter(name for checked in checkpoints for name in set(checked.signed_by))
    by = [
        f"{name} ({signers[name]})" if signers[name] < count else name for name in sorted(signers)
    ]
    signed = f"signed by {', '.join(by)}" if by else "signatures not checked, no --key was given"
    match = "matches" if count == 1 else "match"
    newest = max(checked.size for checked in checkpoints)
    since = f"; {size - newest} records since are in none" if newest < size else ""
    return f"checkpoints: {count} {match} the log, the newest of {newest} records; {signed}{since}"


def _begun(sink: Sink, file: Path, trust: Trust) -> tuple[Trust, Chain, Expected]:
    """Return trust in the keys that have signed a checkpoint in a file, its chain, and itself.

    Raises:
        UsageError: no key was given, or the file can't be read.
        CheckpointRefused: it is not properly signed, or not of this log.
    """
    from dataclasses import replace

    from rynxs.cli.notes import read_note
    from rynxs.errors import CheckpointRefused, UsageError
    from rynxs.eventlog import note
    from rynxs.eventlog.genesis import origin_of
    from rynxs.eventlog.resume import chain_at
    from rynxs.eventlog.witness import Expected

    if not trust.keys:
        raise UsageError("--from needs --key: who has signed the checkpoint to be believed?")
    vouched = Expected.of(str(file), read_note(file), trust.required)
    checkpoint = vouched.checkpoint
    origin = origin_of(sink)
    if origin != checkpoint.origin:
        raise CheckpointRefused(f"{file}: of log {checkpoint.origin!r}, this log is {origin!r}")
    try:
        names = note.verify(vouched.note, trust.keys)
        signers = tuple(note.signed_by(vouched.note, trust.keys))
        if len(signers) < trust.required:
            raise CheckpointRefused(
                f"signed by {len(signers)} of the known keys ({', '.join(names)}), "
                f"{trust.required} are required"
            )
        return replace(trust, keys=signers), chain_at(sink, checkpoint), vouched
    except CheckpointRefused as error:
        raise CheckpointRefused(f"{file}: {error}") from None
