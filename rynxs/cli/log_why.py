"""``rynxs log why``: the chain of causes that led to a value."""

from __future__ import annotations

import json as json_text
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rynxs.cli.options import ConfigOption, JsonOption, LogOption, configured

if TYPE_CHECKING:
    from rich.console import Console

    from rynxs.embedded.why import Explanation


def command(
    subject: Annotated[
        str, typer.Argument(metavar="SUBJECT", help="As universe.ai/Agent/default/worker.")
    ],
    field: Annotated[
        str,
        typer.Argument(
            metavar="FIELD",
            help="As Deployment.spec.replicas, apps/v1/Deployment/default/agent-x:spec.replicas, "
            "or slice.spec.suspend.",
        ),
    ],
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="SEQ|TIME|CHECKPOINT",
            help="The moment to look at: a record, an RFC 3339 time, or the file of a checkpoint.",
            show_default="the newest",
        ),
    ] = None,
    log: LogOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Say why a value is what it is: the record it came with, and what that follows from.

    The chain ends with whoever asked for the change, or with the upgrade that made it.
    """
    from rynxs.cli.console import emit
    from rynxs.embedded.points import find_point
    from rynxs.embedded.why import explain

    chosen = configured(config, log)
    with closing(chosen.open_reader()) as sink:
        point = None if at is None else find_point("--at", at, sink)
        explanation = explain(sink, chosen, point, subject, field)
    emit(json, _document(subject, explanation), lambda console: _show(console, explanation))


def _document(subject: str, explanation: Explanation) -> dict[str, Any]:
    from rynxs.engine.diff import ABSENT

    found = explanation.found
    value = {} if found.value is ABSENT else {"value": found.value}
    return {
        "causes": [cause.as_json() for cause in explanation.causes],
        "field": found.field,
        "seq": found.seq,
        "subject": subject,
    } | value


def _show(console: Console, explanation: Explanation) -> None:
    from rich.text import Text

    from rynxs.cli.console import one_line
    from rynxs.engine.diff import ABSENT
    from rynxs.sources import format_time

    found = explanation.found
    value = "(absent)" if found.value is ABSENT else json_text.dumps(found.value)
    console.print(Text(one_line(f"{found.field} = {value}"), "bold"))
    for depth, cause in enumerate(explanation.causes):
        by = f" by {cause.actor}" if cause.actor else ""
        of = f" of {cause.subject}" if cause.subject else ""
        lead = "since" if depth == 0 else "because of"
        told = f"{lead} record {cause.seq}, {format_time(cause.time_us)}: {cause.kind}{of}{by}"
        console.print(Text(one_line(told)))
        for change in cause.changes:
            console.print(Text(f"    {one_line(str(change))}", "dim"))
