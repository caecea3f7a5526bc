"""Records as commands show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

    from rynxs.eventlog.record import Header, Record
    from rynxs.eventlog.redaction import Redaction
    from rynxs.eventlog.sink import Sink


def decoded(first_seq: int, records: Iterable[Record]) -> Iterator[tuple[Header, Record]]:
    """Yield header and record.

    Raises:
        LogCorrupt: a header is malformed, or says another seq.
    """
    from rynxs.errors import LogCorrupt
    from rynxs.eventlog.record import MalformedHeader, decode_header

    for seq, record in enumerate(records, first_seq):
        try:
            header = decode_header(record.header)
        except MalformedHeader as error:
            raise LogCorrupt(seq, str(error)) from None
        if header.seq != seq:
            raise LogCorrupt(seq, f"header says seq {header.seq}")
        yield header, record


def redacted(sink: Sink, found: Sequence[tuple[Header, Record]]) -> dict[int, Redaction]:
    """Return, of the records found that are erased, who redacted them, as far as the log says.

    Only if there are such, the log is read on from the first of them.

    Raises:
        LogCorrupt: a ``Redacted`` record is not of its shape.
    """
    from rynxs.eventlog.redaction import REDACTED, decode_redaction

    wanted = {header.seq for header, record in found if record.payload is None}
    by: dict[int, Redaction] = {}
    if not wanted:
        return by
    start, mark = min(wanted) + 1, REDACTED.encode()
    for seq, record in enumerate(sink.read(start), start):
        if mark in record.header:
            for header, _ in decoded(seq, [record]):
                if header.kind == REDACTED:
                    redaction = decode_redaction(header, record)
                    for each in wanted.intersection(redaction.seqs):
                        by.setdefault(each, redaction)
    return by


def as_json(
    header: Header, record: Record, by: Mapping[int, Redaction] | None = None
) -> dict[str, Any]:
    """Return a record's header as JSON, with its leaf hash; of an erased one also who redacted it.

    Args:
        header, record: the record.
        by: what `redacted` returned of it, if that was asked.
    """
    from rynxs.eventlog.record import leaf_hash

    redaction = (by or {}).get(header.seq)
    known = {"by": redaction.seq, "reason": redaction.reason} if redaction else None
    erased = {"erased": True, "redacted": known} if record.payload is None else {}
    return erased | header_as_json(header, leaf_hash(record.header))


def header_as_json(header: Header, leaf: bytes) -> dict[str, Any]:
    """Return a record's header as JSON, with its leaf hash."""
    from rynxs.sources import format_time

    return {
        "cause": header.cause,
        "epoch": header.epoch,
        "kind": header.kind,
        "leafHash": leaf.hex(),
        "payloadHash": header.payload_hash.hex(),
        "payloadSize": header.payload_size,
        "previous": header.previous.hex(),
        "seq": header.seq,
        "subject": header.subject,
        "time": format_time(header.time_us),
    }


def records_table() -> Table:
    """Return an empty table of records."""
    from rynxs.cli.console import table

    return table("SEQ", "TIME", "EPOCH", "KIND", "SUBJECT", "CAUSE", "BYTES", "LEAF HASH")


def erasure(seq: int, by: Mapping[int, Redaction]) -> str:
    """Say why an erased record has no payload."""
    from rynxs.cli.console import one_line

    if seq not in by:
        return "payload is missing, and no later record redacts it"
    return one_line(f"redacted by record {by[seq].seq}: {by[seq].reason}")


def show_table(
    console: Console, found: Sequence[tuple[Header, Record]], by: Mapping[int, Redaction]
) -> None:
    """Print records, a line each, and below them why payloads are missing."""
    from rynxs.cli.console import cell

    rows = records_table()
    for header, record in found:
        rows.add_row(*map(cell, row(header, record)))
    console.print(rows)
    for header, record in found:
        if record.payload is None:
            console.print(
                f"record {header.seq}: {erasure(header.seq, by)}", markup=False, soft_wrap=True
            )


def row(header: Header, record: Record) -> tuple[str, ...]:
    """Return the cells of a record in `records_table`."""
    from rynxs.cli.console import short_hash
    from rynxs.eventlog.record import leaf_hash
    from rynxs.sources import format_time

    return (
        str(header.seq),
        format_time(header.time_us),
        str(header.epoch),
        header.kind,
        header.subject,
        "" if header.cause is None else str(header.cause),
        "erased" if record.payload is None else str(header.payload_size),
        short_hash(leaf_hash(record.header)),
    )
