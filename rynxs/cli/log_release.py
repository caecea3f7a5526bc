"""``rynxs log release``: lift a legal hold."""

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
    """Lift a legal hold that rynxs log hold has placed.

    Without a subject it is the one on the whole log that is lifted. Each is lifted by itself.
    """
    from rynxs.cli.console import emit
    from rynxs.cli.logs import set_up_logs
    from rynxs.embedded.hold import release_hold
    from rynxs.sources import parse_sources

    set_up_logs()
    seq = release_hold(configured(config, log), parse_sources(clock), subject, reason)

    def show(console: Console) -> None:
        console.print(f"lifted: hold on {subject or 'the whole log'}, record {seq}", markup=False)

    emit(json, {"scope": subject, "seq": seq}, show)
