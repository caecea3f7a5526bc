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
        by = records.redacted(sink, found)

    def show(console: Console) -> None:
        records.show_table(console, found, by)

    emit(json, {"records": [records.as_json(*each, by) for each in found]}, show)


def _follow(sink: Sink, start: int, json_wanted: bool) -> None:
    """Print records as they come; ends only by an interrupt or an error."""
    import json
    import sys

    from rynxs.cli import records
    from rynxs.cli.console import one_line

    while True:
        stop = sink.size()
        found = list(records.decoded(start, sink.read(start, stop)))
        by = records.redacted(sink, found)
        for header, record in found:
            line = (
                json.dumps(records.as_json(header, record, by))
                if json_wanted
                else one_line("  ".join(records.row(header, record)))
            )
            if record.payload is None and not json_wanted:
                line += f"  {records.erasure(header.seq, by)}"
            sys.stdout.write(f"{line}\n")
            start += 1
        sys.stdout.flush()
        time.sleep(_POLL_S)
