"""Records as commands show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.table import Table

    from rynxs.eventlog.record import Header, Record


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


def as_json(header: Header, record: Record) -> dict[str, Any]:
    """Return a record's header as JSON, with its leaf hash."""
    from rynxs.eventlog.record import leaf_hash
    from rynxs.sources import format_time

    return {
        "cause": header.cause,
        "epoch": header.epoch,
        "kind": header.kind,
        "leafHash": leaf_hash(record.header).hex(),
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
        str(header.payload_size),
        short_hash(leaf_hash(record.header)),
    )
