"""``rynxs log why``: the chain of causes that led to a value, or to a refusal."""

from __future__ import annotations

import json as json_text
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rynxs.cli.options import ConfigOption, JsonOption, LogOption, configured

if TYPE_CHECKING:
    from rich.console import Console

    from rynxs.embedded.why import Explanation
    from rynxs.engine.timeline import Found


def command(
    subject: Annotated[
        str, typer.Argument(metavar="SUBJECT", help="As universe.ai/Agent/default/worker.")
    ],
    field: Annotated[
        str | None,
        typer.Argument(
            metavar="FIELD",
            help="As Deployment.spec.replicas, apps/v1/Deployment/default/agent-x:spec.replicas, "
            "slice.spec.suspend, conditions.Accepted, or verdict.refused.",
            show_default="what refuses the subject, or its plan",
        ),
    ] = None,
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

    Of a refused subject it says so, and why; without FIELD, what that follows from, or what the
    cluster did not take of its plan. The chain ends with whoever asked for the change, or with the
    upgrade that made it.
    """
    from rynxs.cli.console import emit
    from rynxs.embedded.points import find_point
    from rynxs.embedded.why import explain

    chosen = configured(config, log)
    with closing(chosen.open_reader()) as sink:
        point = None if at is None else find_point("--at", at, sink)
        explanation = explain(sink, chosen, point, subject, field)
    emit(
        json, _document(subject, explanation), lambda console: _show(console, subject, explanation)
    )


def _document(subject: str, explanation: Explanation) -> dict[str, Any]:
    from rynxs.engine.diff import ABSENT

    found, standing = explanation.found, explanation.standing
    value = {} if found.value is ABSENT else {"value": found.value}
    return {
        "causes": [cause.as_json() for cause in explanation.causes],
        "field": found.field,
        "refused": None if standing is None else standing.as_json(),
        "seq": found.seq,
        "subject": subject,
    } | value


def _show(console: Console, subject: str, explanation: Explanation) -> None:
    from rich.text import Text

    from rynxs.cli.console import one_line
    from rynxs.embedded.why import told
    from rynxs.sources import format_time

    found, standing = explanation.found, explanation.standing
    console.print(Text(one_line(f"{found.field} = {_value(found)}"), "bold"))
    for sentence in _said(found):
        console.print(Text(f"    {one_line(sentence)}"))
    if standing is not None:
        console.print(Text(told(subject, standing), "red"))
    for depth, cause in enumerate(explanation.causes):
        by = f" by {cause.actor}" if cause.actor else ""
        of = f" of {cause.subject}" if cause.subject else ""
        lead = "since" if depth == 0 else "because of"
        line = f"{lead} record {cause.seq}, {format_time(cause.time_us)}: {cause.kind}{of}{by}"
        console.print(Text(one_line(line)))
        for change in cause.changes:
            console.print(Text(f"    {one_line(str(change))}", "dim"))


def _value(found: Found) -> str:
    from rynxs.cli.conditions import in_short
    from rynxs.engine.diff import ABSENT

    if found.value is ABSENT:
        return "(absent)"
    return in_short(found.value) if _is_condition(found) else json_text.dumps(found.value)


def _said(found: Found) -> list[str]:
    """Return what a condition says; of one that refuses the subject it is told with that."""
    from rynxs.engine.conditions import is_refusing, sentences

    if not _is_condition(found) or is_refusing(found.value):
        return []
    return sentences(found.value["message"])


def _is_condition(found: Found) -> bool:
    from rynxs.engine.timeline import CONDITIONS

    return found.field.startswith(f"{CONDITIONS}.") and isinstance(found.value, dict)
