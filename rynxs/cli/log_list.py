"""``rynxs log list``: records, a line each."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import ConfigOption, JsonOption, LogOption, configured

if TYPE_CHECKING:
    from rich.console import Console

_LIMIT = 1_000


def command(
    start: Annotated[int, typer.Option("--start", min=0, help="First seq.")] = 0,
    stop: Annotated[
        int | None,
        typer.Option("--stop", min=0, help="Seq to stop before.", show_default="the end"),
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option("--subject", help="Only this subject, or all that start with it and a slash."),
    ] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Only this kind of event.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many records.")] = _LIMIT,
    log: LogOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List records of the log, oldest first."""
    from rynxs.cli import records
    from rynxs.cli.console import emit

    with closing(configured(config, log).open_reader()) as sink:
        matching = (
            (header, record)
            for header, record in records.decoded(start, sink.read(start, stop))
            if (kind is None or header.kind == kind)
            and (
                subject is None
                or header.subject == subject
                or header.subject.startswith(f"{subject}/")
            )
        )
        found = list(islice(matching, limit))
        by = records.redacted(sink, found)
        more = len(found) == limit and next(matching, None) is not None

    def show(console: Console) -> None:
        records.show_table(console, found, by)
        if more:
            console.print(f"stopped at {limit} records; --limit or --start shows more")

    emit(
        json,
        {"more": more, "records": [records.as_json(*each, by) for each in found]},
        show,
    )
