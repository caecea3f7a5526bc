"""``rynxs run``: observe manifest files, log, reduce, render."""

from __future__ import annotations

import base64
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    from collections.abc import Iterator

    from rich.console import Console

    from rynxs.embedded.run import RunReport

_DEFAULT_NAMESPACE = "default"
_FIELDS_SHOWN_MAX = 20
_UNCHANGED_SHOWN_MAX = 10
_KEPT_SHOWN_MAX = 40
_CONDITIONS_SHOWN_MAX = 40
_STYLES = {"created": "green", "changed": "yellow", "deleted": "red", "unchanged": "dim"}


class OutputFormat(Enum):
    """What ``-o`` prints."""

    SUMMARY = "summary"
    YAML = "yaml"


def command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|DIR...", help="Manifests: files, directories, or - for standard input."
        ),
    ],
    log: LogOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Write the rendered manifests here.", show_default=False
        ),
    ] = None,
    output: Annotated[
        OutputFormat, typer.Option("--output", "-o", help="What to print.")
    ] = OutputFormat.SUMMARY,
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="For objects that name none.")
    ] = _DEFAULT_NAMESPACE,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="The files are the whole truth: what is not in them is deleted. Strict."
        ),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse kinds that no selected reducer owns.")
    ] = False,
    signer: SignerOption = None,
    clock: ClockOption = "system",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Observe manifests, record them in the log, and render what they ask for.

    Running again with unchanged files appends nothing. With --prune a kind that nobody owns is
    refused too, for a typo must not delete an agent.
    """
    from rynxs.cli.console import emit, print_warnings
    from rynxs.cli.console import output as stdout
    from rynxs.cli.logs import set_up_logs
    from rynxs.documents import dump_documents
    from rynxs.embedded.manifests import read_manifests
    from rynxs.embedded.output import write_manifests
    from rynxs.embedded.run import Run, prune_nothing, prune_unseen
    from rynxs.errors import ManifestError, UsageError
    from rynxs.sources import parse_sources

    if json and output is OutputFormat.YAML:
        raise UsageError("--json and -o yaml both want standard output; choose one")
    set_up_logs()
    sources = parse_sources(clock)
    chosen = configured(config, log, signer)
    composition = chosen.composition()
    reading = read_manifests(files, composition, namespace, out)
    if reading.unowned and (strict or prune):
        raise ManifestError("\n".join(reading.unowned))
    if prune and not reading.found:
        raise ManifestError("--prune: the files hold no object, so all would be deleted")
    print_warnings(reading.unowned)
    report = Run(chosen, composition, sources).execute(
        reading.found, prune_unseen if prune else prune_nothing
    )
    rendered = [manifest for plan in report.manifests.values() for manifest in plan]
    if out is not None:
        kept = [identifier for ids in report.kept.values() for identifier in ids]
        write_manifests(out, report.origin, rendered, kept)
    if output is OutputFormat.YAML:
        with stdout():
            sys.stdout.write(dump_documents([manifest.body for manifest in rendered]))
        return
    emit(json, _document(report), lambda console: _show(console, report, out))


def _document(report: RunReport) -> dict[str, Any]:
    return {
        "appended": report.appended,
        "checkpoint": report.checkpoint.decode() if report.checkpoint else None,
        "epoch": report.epoch,
        "kept": {subject: ids for subject, ids in report.kept.items() if ids},
        "manifests": [
            {"digest": manifest.digest, "id": manifest.id, "subject": subject}
            for subject, manifests in report.manifests.items()
            for manifest in manifests
        ],
        "origin": report.origin,
        "plans": [
            {
                "changed": plan.changed,
                "removed": plan.removed,
                "retained": plan.retained,
                "seq": plan.seq,
                "subject": plan.subject,
            }
            for plan in report.plans
        ],
        "root": base64.b64encode(report.root).decode(),
        "size": report.size,
        "statuses": report.statuses,
        "subjects": [
            {
                "fields": [change.as_json() for change in subject.fields],
                "subject": subject.subject,
                "verb": subject.verb,
            }
            for subject in report.subjects
        ],
    }


def _show(console: Console, report: RunReport, out: Path | None) -> None:
    _show_subjects(console, report)
    _show_conditions(console, report)
    _show_manifests(console, report)
    if report.appended:
        first = report.size - report.appended
        console.print(
            f"log: {report.appended} records appended, {first} to {report.size - 1}, "
            f"epoch {report.epoch}"
        )
    else:
        console.print(f"log: nothing has changed, nothing appended; {report.size} records")
    if report.checkpoint is not None:
        console.print(f"checkpoint: {report.size} records signed, root {report.root.hex()[:12]}")
    if out is not None:
        console.print(f"manifests: written to {out}", markup=False)


def _show_subjects(console: Console, report: RunReport) -> None:
    from rich.text import Text

    from rynxs.cli.console import one_line

    unchanged = [subject for subject in report.subjects if subject.verb == "unchanged"]
    folded = len(unchanged) if len(unchanged) > _UNCHANGED_SHOWN_MAX else 0
    for subject in report.subjects:
        if folded and subject.verb == "unchanged":
            continue
        console.print(Text(subject.subject, "bold"), Text(subject.verb, _STYLES[subject.verb]))
        for change in subject.fields[:_FIELDS_SHOWN_MAX]:
            console.print(Text(f"    {one_line(str(change))}"))
        if len(subject.fields) > _FIELDS_SHOWN_MAX:
            console.print(f"    and {len(subject.fields) - _FIELDS_SHOWN_MAX} more fields")
    if folded:
        console.print(f"{folded} subjects unchanged")


def _show_conditions(console: Console, report: RunReport) -> None:
    """Show the conditions that have something to say, such as why a subject is refused."""
    from rynxs.cli.conditions import show_conditions

    told = [
        (subject, condition)
        for subject, status in report.statuses.items()
        for condition in status.get("conditions", ())
        if condition["message"]
    ]
    for subject, condition in told[:_CONDITIONS_SHOWN_MAX]:
        show_conditions(console, subject, [condition])
    if len(told) > _CONDITIONS_SHOWN_MAX:
        console.print(f"and {len(told) - _CONDITIONS_SHOWN_MAX} more conditions; --json has all")


def _show_manifests(console: Console, report: RunReport) -> None:
    from rynxs.cli.console import table

    changed = {(plan.subject, identifier) for plan in report.plans for identifier in plan.changed}
    rows = table("MANIFEST", "SHA-256", "")
    kept = [
        manifest
        for subject, manifests in report.manifests.items()
        for manifest in manifests
        if (subject, manifest.id) not in changed
    ]
    folded = len(kept) if len(kept) > _KEPT_SHOWN_MAX else 0
    for subject, manifests in report.manifests.items():
        for manifest in manifests:
            if (subject, manifest.id) in changed:
                rows.add_row(manifest.id, manifest.digest[:12], "planned")
            elif not folded:
                rows.add_row(manifest.id, manifest.digest[:12], "as before")
    for identifier, verb in _what_goes_or_stays(report):
        rows.add_row(identifier, "", verb)
    if rows.row_count:
        console.print(rows)
    if folded:
        console.print(f"{folded} manifests as before")


def _what_goes_or_stays(report: RunReport) -> Iterator[tuple[str, str]]:
    """Yield what is not rendered any more, and what becomes of it."""
    for ids in report.kept.values():
        yield from ((identifier, "kept") for identifier in ids)
    for plan in report.plans:
        yield from ((identifier, "removed") for identifier in plan.removed)
        yield from ((identifier, "retained") for identifier in plan.retained)
