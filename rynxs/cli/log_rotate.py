"""``rynxs log rotate``: close a log, and go on in a new one that carries its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import (
    ClockOption,
    ConfigOption,
    JsonOption,
    LogOption,
    SignerOption,
    configured,
)

if TYPE_CHECKING:
    from rich.console import Console


def command(
    into: Annotated[str, typer.Argument(metavar="NEWLOG", help="URL of a log that is empty.")],
    origin: Annotated[
        str | None,
        typer.Option(
            "--origin",
            metavar="NAME",
            help="Names the new log.",
            show_default="the old one's, with the next number",
        ),
    ] = None,
    signer: SignerOption = None,
    log: LogOption = None,
    clock: ClockOption = "system",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Close the log for good with a signed checkpoint, and start NEWLOG from its state.

    The closed log takes no more of what happens. It still verifies, replays and proves, and can be
    archived. NEWLOG's first record names it with that checkpoint, and its next ones carry each
    subject's newest observation. Legal holds go along. A rotation that was cut off is finished by
    the same command; what NEWLOG holds then is compared with what the closed log gives.
    """
    import re

    from rynxs.cli.console import emit
    from rynxs.cli.logs import set_up_logs
    from rynxs.embedded.rotate import rotate
    from rynxs.errors import UsageError
    from rynxs.eventlog.checkpoint import ORIGIN
    from rynxs.sources import parse_sources

    set_up_logs()
    if origin is not None and not re.fullmatch(ORIGIN, origin):
        raise UsageError(f"--origin {origin!r}: expected is a name that matches {ORIGIN}")
    chosen = configured(config, log, signer)
    successor = chosen.with_log(into)
    if successor.place() == chosen.place():
        raise UsageError(f"{into}: is the log itself")
    report = rotate(chosen, successor, parse_sources(clock), origin)

    def show(console: Console) -> None:
        console.print(f"closed: {report.closed}, {report.size} records", markup=False)
        if report.was_done:
            console.print(f"goes on already: {report.successor}", markup=False)
            return
        console.print(
            f"goes on: {report.successor}, {report.subjects} subjects carried over in "
            f"{report.successor_size} records",
            markup=False,
        )

    emit(json, report._asdict(), show)
