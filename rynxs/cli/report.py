"""``rynxs report``: what a log says, and what was verified of it, for people who audit it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rynxs.cli.options import ConfigOption, KeyOption, LogOption, RequireOption, configured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs.report.document import Request

_STANDARD_OUTPUT = "-"


def command(
    html: Annotated[
        str | None,
        typer.Option("--html", metavar="FILE", help="Write one page that needs no network."),
    ] = None,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write the same as data.")
    ] = None,
    markdown: Annotated[
        str | None, typer.Option("--markdown", metavar="FILE", help="Write the same as text.")
    ] = None,
    key: KeyOption = None,
    require: RequireOption = None,
    log: LogOption = None,
    clock: Annotated[
        str | None,
        typer.Option(
            "--clock",
            metavar="CLOCK",
            help="State when the report is made: 'system', or 'fixed:TIME'. Without it the same "
            "log gives the same bytes.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Verify a log, recompute its plans, and write a report of all that happened.

    FILE may be - for standard output, once. Of a log that does not verify nothing is written.
    """
    from rynxs.cli.progress import track
    from rynxs.errors import UsageError
    from rynxs.report.document import build

    wanted = {"html": html, "json": json, "markdown": markdown}
    asked = {form: place for form, place in wanted.items() if place is not None}
    if not asked:
        raise UsageError("one of --html, --json and --markdown is needed: where should it go?")
    if len({str(Path(place)) for place in asked.values()}) < len(asked):
        raise UsageError("two forms of the report are to go to the same place")
    request = _request(configured(config, log), key, require, clock)
    with closing(request.config.open_reader()) as sink:
        document = build(sink, request, track)
    texts = {place: _text(form, document) for form, place in asked.items()}
    for place, text in texts.items():
        _write(place, text)


def _request(config: Any, key: list[str] | None, require: int | None, clock: str | None) -> Request:
    from rynxs.cli.keyring import trusted, vkeys_of
    from rynxs.report.checkpoints import GivenKey
    from rynxs.report.document import Request
    from rynxs.sources import parse_sources

    vkeys = dict.fromkeys(vkey for each in key or () for vkey in vkeys_of(each))
    made_us = None if clock is None else parse_sources(clock).clock.now_us()
    trust = trusted(config, key, require)
    return Request(config, trust, [GivenKey.of(vkey) for vkey in vkeys], made_us)


def _text(form: str, document: Mapping[str, Any]) -> str:
    import json

    from rynxs.report.markdown import markdown
    from rynxs.report.page import page

    if form == "html":
        return page(document)
    if form == "markdown":
        return markdown(document)
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _write(place: str, text: str) -> None:
    import sys

    from rynxs.cli.console import output
    from rynxs.report.files import write_whole

    if place != _STANDARD_OUTPUT:
        write_whole(Path(place), text)
        return
    with output():
        sys.stdout.buffer.write(text.encode())
