"""What ``rynxs replay`` shows: a moment, a difference, and what an upgrade would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from rynxs.embedded.comparing import SubjectDifference
    from rynxs.embedded.points import Point
    from rynxs.embedded.replay import LogReplay
    from rynxs.engine.composition import Composition
    from rynxs.engine.upgrade import Upgrade
    from rynxs.eventlog.sink import Sink

_LISTED_MAX = 10


def moment_document(
    replaying: LogReplay, subjects: Sequence[str], *, check: bool
) -> dict[str, Any]:
    """Return the state after a replay."""
    replay = replaying.replay
    state = replay.state
    unknown = state.slices.unknown()
    return {
        "epoch": state.epoch,
        "erased": replay.erased,
        "incomparable": [
            {"needs": part.needs, "seqs": part.seqs} for part in replaying.incomparable()
        ],
        "origin": state.origin,
        "plansCompared": replaying.compared if check else None,
        "redacted": replay.redacted if check else None,
        "size": state.size,
        "snapshot": replaying.snapshot,
        "stateDigest": state.digest(),
        "subjects": [
            {
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
    }


def show_moment(console: Console, document: Mapping[str, Any]) -> None:
    """Print a moment for a person."""
    from rynxs.cli.console import cell, one_line, table

    console.print(f"replayed: {document['size']} records, epoch {document['epoch']}")
    if document["snapshot"] is not None:
        console.print(f"started from: the snapshot of {document['snapshot']} records")
    console.print(f"state: {document['stateDigest']}")
    rows = table("SUBJECT", "MANIFEST", "SHA-256")
    for subject in document["subjects"]:
        name = f"{subject['subject']} (unknown)" if subject["unknown"] else subject["subject"]
        for entry in subject["manifests"] or [{"id": "", "digest": ""}]:
            rows.add_row(*map(cell, (name, entry["id"], entry["digest"][:12])))
    console.print(rows)
    if document["erased"]:
        console.print(f"redacted: the payloads of records {_listed(document['erased'])}")
    if document["plansCompared"] is not None:
        console.print(f"plans: {document['plansCompared']} recomputed, all as recorded")
    if document["redacted"]:
        console.print(
            f"not compared: {len(document['redacted'])} plans, records "
            f"{_listed(document['redacted'])}; what they were made of is redacted"
        )
    for part in document["incomparable"]:
        console.print(
            one_line(f"not compared: {len(part['seqs'])} plans; needs {', '.join(part['needs'])}"),
            markup=False,
        )


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
                "events": [event.as_json() for event in each.events],
                "manifests": [
                    {"changes": [change.as_json() for change in changes], "id": identifier}
                    for identifier, changes in each.manifests.items()
                ],
                "slice": [change.as_json() for change in each.current],
                "subject": each.subject,
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

    from rynxs.cli.console import one_line
    from rynxs.sources import format_time

    after, until = document["from"]["size"] - 1, document["to"]["size"] - 1
    console.print(f"from record {after} to record {until}: {len(found)} subjects differ")
    for each in found:
        console.print(Text(one_line(each.subject), "bold"))
        for change in each.current:
            console.print(Text(f"    {one_line(str(change))}"))
        for identifier, changes in each.manifests.items():
            for change in changes:
                console.print(Text(f"    {one_line(f'{identifier}: {change}')}"))
        for event in each.events:
            by = f" by {event.actor}" if event.actor else ""
            of = f" of {event.subject}" if event.subject != each.subject else ""
            because = "" if event.cause is None else f", because of record {event.cause}"
            told = (
                f"record {event.seq}, {format_time(event.time_us)}: {event.kind}{of}{by}{because}"
            )
            console.print(Text(f"  {one_line(told)}", "dim"))


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
