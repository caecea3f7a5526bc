"""What ``rynxs replay`` shows: a moment, a difference, and what an upgrade would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from rynxs.embedded.comparing import SubjectDifference
    from rynxs.embedded.points import Point
    from rynxs.embedded.replay import LogReplay
    from rynxs.engine.causes import Cause
    from rynxs.engine.composition import Composition
    from rynxs.engine.diff import Change
    from rynxs.engine.upgrade import Upgrade
    from rynxs.eventlog.sink import Sink

_LISTED_MAX = 10


def moment_document(
    replaying: LogReplay, subjects: Sequence[str], *, check: bool
) -> dict[str, Any]:
    """Return the state after a replay."""
    from rynxs.engine.conditions import conditions_in_force

    replay = replaying.replay
    state = replay.state
    unknown = state.slices.unknown()
    return {
        "epoch": state.epoch,
        "erased": replay.erased,
        "incomparable": [
            {"needs": part.needs, "seqs": part.seqs, "verdicts": part.verdicts}
            for part in replaying.incomparable()
        ],
        "origin": state.origin,
        "plansCompared": replaying.compared if check else None,
        "redacted": replaying.redacted if check else None,
        "redactedVerdicts": replaying.redacted_verdicts if check else None,
        "size": state.size,
        "snapshot": replaying.snapshot,
        "stateDigest": state.digest(),
        "subjects": [
            {
                "conditions": conditions_in_force(state, subject),
                "manifests": list(state.plans[subject].entries.values())
                if subject in state.plans
                else [],
                "slice": state.slices.get(subject),
                "subject": subject,
                "unknown": subject in unknown,
            }
            for subject in subjects
        ],
        "unknown": unknown,
        "verdictsCompared": replaying.verdicts if check else None,
    }


def show_moment(console: Console, document: Mapping[str, Any]) -> None:
    """Print a moment for a person."""
    from rynxs.cli.conditions import show_conditions
    from rynxs.cli.console import cell, one_line, table

    console.print(f"replayed: {document['size']} records, epoch {document['epoch']}")
    if document["snapshot"] is not None:
        console.print(f"started from: the snapshot of {document['snapshot']} records")
    console.print(f"state: {document['stateDigest']}")
    rows = table("SUBJECT", "MANIFEST", "SHA-256")
    for subject in document["subjects"]:
        for entry in subject["manifests"] or [{"id": "", "digest": ""}]:
            rows.add_row(*map(cell, (_name(subject), entry["id"], entry["digest"][:12])))
    console.print(rows)
    for subject in document["subjects"]:
        show_conditions(console, subject["subject"], subject["conditions"] or ())
    if document["erased"]:
        console.print(f"redacted: the payloads of records {_listed(document['erased'])}")
    if document["plansCompared"] is not None:
        _show_compared(console, document)
    for part in document["incomparable"]:
        for seqs, noun in ((part["seqs"], "plans"), (part["verdicts"], "verdicts")):
            if seqs:
                told = f"not compared: {len(seqs)} {noun}; needs {', '.join(part['needs'])}"
                console.print(one_line(told), markup=False)


def _show_compared(console: Console, document: Mapping[str, Any]) -> None:
    plans, verdicts = document["plansCompared"], document["verdictsCompared"]
    also = f"verdicts: {verdicts} recomputed, " if verdicts else ""
    console.print(f"plans: {plans} recomputed, {also}all as recorded")
    for noun, seqs in (("plans", document["redacted"]), ("verdicts", document["redactedVerdicts"])):
        if seqs:
            console.print(
                f"not compared: {len(seqs)} {noun}, records {_listed(seqs)}; what they were made "
                "of is redacted"
            )


def _name(subject: Mapping[str, Any]) -> str:
    if subject["unknown"]:
        return f"{subject['subject']} (unknown)"
    is_told = subject["conditions"] is not None
    return subject["subject"] if is_told else f"{subject['subject']} (conditions unknown)"


def yaml_of(replaying: LogReplay, sink: Sink, subjects: Sequence[str]) -> str:
    """Return the manifests asked for after a replay, as YAML documents.

    Raises:
        LogCorrupt: a plan has not its shape.
        UsageError: one of them is erased.
    """
    from rynxs.documents import dump_documents
    from rynxs.embedded.moment import asked_for
    from rynxs.errors import UsageError

    bodies = []
    for subject, asked in asked_for(replaying.replay.state, sink, subjects).items():
        for each in asked:
            if each.body is None:
                raise UsageError(
                    f"{each.entry['id']} of {subject}: redacted, only its digest is left"
                )
            bodies.append(each.body)
    return dump_documents(bodies)


def diff_document(
    first: Point, second: Point, found: Sequence[SubjectDifference]
) -> dict[str, Any]:
    """Return what changed between two moments."""
    return {
        "from": {"point": first.text, "size": first.stop},
        "subjects": [
            {
                "conditions": each.conditions,
                "events": [event.as_json() for event in each.events],
                "manifests": [
                    {"changes": [change.as_json() for change in changes], "id": identifier}
                    for identifier, changes in each.manifests.items()
                ],
                "slice": [change.as_json() for change in each.current],
                "subject": each.subject,
                "verdict": [change.as_json() for change in each.verdict],
            }
            for each in found
        ],
        "to": {"point": second.text, "size": second.stop},
    }


def show_diff(
    console: Console, document: Mapping[str, Any], found: Sequence[SubjectDifference]
) -> None:
    """Print what changed for a person."""
    from rich.text import Text

    from rynxs.cli.conditions import show_conditions
    from rynxs.cli.console import one_line

    after, until = document["from"]["size"] - 1, document["to"]["size"] - 1
    console.print(f"from record {after} to record {until}: {len(found)} subjects differ")
    for each in found:
        console.print(Text(one_line(each.subject), "bold"))
        for change in each.current:
            console.print(Text(f"    {one_line(str(change))}"))
        for change in each.verdict:
            console.print(Text(f"    {one_line(_told_verdict(change))}"))
        show_conditions(console, "", each.conditions or (), "    ")
        for identifier, changes in each.manifests.items():
            for change in changes:
                console.print(Text(f"    {one_line(f'{identifier}: {change}')}"))
        for event in each.events:
            console.print(Text(f"  {one_line(_told_event(event, each.subject))}", "dim"))


def _told_verdict(change: Change) -> str:
    """Return a change of a verdict; what one says that comes or goes as a whole, in a word."""
    from rynxs.engine.timeline import VERDICT

    sides = change.before, change.after
    if change.path != VERDICT or not any(isinstance(side, dict) for side in sides):
        return str(change)
    words = [
        ("refused" if side["refused"] else "not refused") if isinstance(side, dict) else str(side)
        for side in sides
    ]
    return f"{change.path}: {' -> '.join(words)}"


def _told_event(event: Cause, subject: str) -> str:
    from rynxs.engine.verdict import verdict_subject
    from rynxs.sources import format_time

    by = f" by {event.actor}" if event.actor else ""
    is_own = event.subject in (subject, verdict_subject(subject))
    of = "" if is_own else f" of {event.subject}"
    because = "" if event.cause is None else f", because of record {event.cause}"
    return f"record {event.seq}, {format_time(event.time_us)}: {event.kind}{of}{by}{because}"


def upgrade_document(upgrade: Upgrade, composition: Composition) -> dict[str, Any]:
    """Return what the configured plugins would make otherwise."""
    return {
        "composition": composition.as_json(),
        "differences": [
            {"fields": each.fields, "seq": each.seq, "subject": each.subject}
            for each in upgrade.differences
        ],
        "endedEarly": upgrade.is_full,
        "plansCompared": upgrade.compared,
        "redacted": upgrade.redacted,
        "size": upgrade.state.size,
    }


def show_upgrade(console: Console, document: Mapping[str, Any]) -> None:
    """Print what would be made otherwise, for a person."""
    from rich.text import Text

    from rynxs.cli.console import one_line

    parts = [part for parts in document["composition"].values() for part in parts]
    made = ", ".join("{name}=={version}".format_map(part) for part in parts)
    console.print(one_line(f"against: {made}"), markup=False)
    console.print(f"plans: {document['plansCompared']} recomputed as recorded")
    for each in document["differences"]:
        told = f"record {each['seq']}: the plan of {each['subject']} differs"
        console.print(Text(one_line(told), "bold"))
        for field in each["fields"]:
            console.print(Text(f"    {one_line(field)}"))
    if document["endedEarly"]:
        console.print(f"ended at {len(document['differences'])} differences; there may be more")
    if document["redacted"]:
        console.print(
            f"not compared: {len(document['redacted'])} plans; what they were made of is redacted"
        )


def _listed(seqs: Sequence[int]) -> str:
    shown = ", ".join(map(str, seqs[:_LISTED_MAX]))
    return shown if len(seqs) <= _LISTED_MAX else f"{shown} and {len(seqs) - _LISTED_MAX} more"
