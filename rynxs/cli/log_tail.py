"""``rynxs log tail``: the newest records, and those that follow."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import ConfigOption, JsonOption, LogOption, configured

if TYPE_CHECKING:
    from rich.console import Console

    from rynxs.eventlog.sink import Sink

_POLL_S = 0.5


def command(
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many records.")] = 10,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Wait for more, until interrupted.")
    ] = False,
    log: LogOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show the newest records of the log.

    With --follow and --json every record is a JSON document on a line of its own.
    """
    from rynxs.cli import records
    from rynxs.cli.console import emit, output

    with closing(configured(config, log).open_reader()) as sink:
        size = sink.size()
        start = max(0, size - lines)
        if follow:
            with output():
                _follow(sink, start, json)
        # No stop: a failing end of the log is to be told.
        found = list(records.decoded(start, sink.read(start)))

    def show(console: Console) -> None:
        rows = records.records_table()
        for header, record in found:
            rows.add_row(*records.row(header, record))
        console.print(rows)

    emit(json, {"records": [records.as_json(header, record) for header, record in found]}, show)


def _follow(sink: Sink, start: int, json_wanted: bool) -> None:
    """Print records as they come; ends only by an interrupt or an error."""
    import json
    import sys

    from rynxs.cli import records

    while True:
        stop = sink.size()
        for header, record in records.decoded(start, sink.read(start, stop)):
            line = (
                json.dumps(records.as_json(header, record))
                if json_wanted
                else "  ".join(records.row(header, record))
            )
            sys.stdout.write(f"{line}\n")
            start += 1
        sys.stdout.flush()
        time.sleep(_POLL_S)
