"""``rynxs log hold``: place a legal hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import (
    ClockOption,
    ConfigOption,
    JsonOption,
    LogOption,
    ReasonOption,
    configured,
)

if TYPE_CHECKING:
    from rich.console import Console


def command(
    reason: ReasonOption,
    subject: Annotated[
        str,
        typer.Argument(metavar="[SUBJECT]", help="What it is on.", show_default="the whole log"),
    ] = "",
    log: LogOption = None,
    clock: ClockOption = "system",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Place a legal hold: nothing that it covers is redacted until it is lifted.

    Without a subject it is on the whole log. Each is placed and lifted by itself.
    """
    from rynxs.cli.console import emit
    from rynxs.cli.logs import set_up_logs
    from rynxs.embedded.hold import place_hold
    from rynxs.sources import parse_sources

    set_up_logs()
    seq = place_hold(configured(config, log), parse_sources(clock), subject, reason)

    def show(console: Console) -> None:
        console.print(f"placed: hold on {subject or 'the whole log'}, record {seq}", markup=False)

    emit(json, {"scope": subject, "seq": seq}, show)
