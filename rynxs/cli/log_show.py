"""``rynxs log show``: one record, whole."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import ConfigOption, JsonOption, LogOption, configured

if TYPE_CHECKING:
    from rich.console import Console


def command(
    seq: Annotated[int, typer.Argument(metavar="SEQ", min=0, help="The record.")],
    log: LogOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show one record: its header, its hashes and its payload."""
    from rynxs.cli import records
    from rynxs.cli.console import emit, printable
    from rynxs.documents import dump_documents
    from rynxs.engine.event import Event
    from rynxs.errors import LogCorrupt, UsageError
    from rynxs.eventlog.record import payload_hash

    with closing(configured(config, log).open_reader()) as sink:
        found = next(records.decoded(seq, sink.read(seq, seq + 1)), None)
        if found is None:
            raise UsageError(f"record {seq}: the log holds {sink.size()} records")
        by = records.redacted(sink, [found])
    header, record = found
    document = records.as_json(header, record, by)
    if record.payload is None:
        if seq not in by:
            raise LogCorrupt(seq, "payload is missing, and no Redacted record names it")
    elif payload_hash(record.salt, record.payload) != header.payload_hash:
        raise LogCorrupt(seq, "the payload does not have the hash that the header says")
    else:
        document |= {
            "payload": Event.of_record(header, record).payload,
            "salt": record.salt.hex(),
        }

    def show(console: Console) -> None:
        console.out(printable(dump_documents([document])), end="")

    emit(json, document, show)
