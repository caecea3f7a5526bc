"""The report as one document: everything that the page, the JSON and the Markdown show."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs import __version__
from rynxs.embedded.replay import LogReplay
from rynxs.engine import event as ev
from rynxs.eventlog.audit import Audit
from rynxs.report import checkpoints
from rynxs.report.findings import findings
from rynxs.report.pinned import Pinned
from rynxs.report.refusals import refused_now
from rynxs.report.timeline import timeline
from rynxs.report.verification import Examined, Recomputed, commands, statements
from rynxs.sources import format_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rynxs.config import Config
    from rynxs.engine.state import State
    from rynxs.eventlog.audit import AuditResult
    from rynxs.eventlog.sink import Sink
    from rynxs.eventlog.trust import Trust
    from rynxs.report.checkpoints import GivenKey

    Progress = Callable[[Iterable[Any], int, str], Iterator[Any]]

FORMAT = "rynxs report 1"


class Request(NamedTuple):
    """What a report is made of, beside the log.

    Attributes:
        config: where plugins come from.
        trust: whose signatures are believed.
        keys: the same keys as text.
        made_us: the time to state, microseconds since 1970; None for none.
    """

    config: Config
    trust: Trust
    keys: Sequence[GivenKey]
    made_us: int | None = None


def build(sink: Sink, request: Request, progress: Progress) -> dict[str, Any]:
    """Verify a log, recompute what was made of it, and return the document (docs/REPORT.md).

    Args:
        sink: the log; records appended meanwhile are left out.
        request: what else is asked for.
        progress: yields what an iterable yields, and shows how far it is.

    Raises:
        LogCorrupt: a record does not hold.
        CheckpointRefused: a checkpoint does not hold, or nobody believed has signed it.
        NondeterminismError: a plan or a verdict differs from the recorded one.
        PluginError: a plugin that the log names is not installed.
        SinkError: the log can't be read.
    """
    pinned = Pinned(sink)
    audit = Audit(pinned, request.trust)
    for _ in progress(audit.batches(), pinned.size(), "verifying"):
        pass
    audited = audit.result()
    pinned.pin(audited.size, audited.tip.head)
    checked = LogReplay(pinned, request.config, None)
    for _ in progress(checked.check(), audited.size * checked.passes, "recomputing plans"):
        pass
    replayed = LogReplay(pinned, request.config, None)
    rows = ([entry] for entry in timeline(replayed.steps()))
    events = [entry for (entry,) in progress(rows, audited.size, "reading")]
    known = checkpoints.known_refs(request.keys, events)
    examined = Examined(
        audited.size,
        sum("erased" in entry for entry in events),
        checkpoints.described(pinned, audited.checkpoints, known),
        [key.as_json() for key in request.keys],
        request.trust.required,
        _plans(checked, events),
        _verdicts(checked, events),
        audited.unfinished,
    )
    return _document(request, replayed.replay.state, audited, examined, events)


def _plans(replayed: LogReplay, events: Sequence[dict[str, Any]]) -> Recomputed:
    recorded = sum(entry["kind"] == ev.PLANNED for entry in events)
    incomparable = [
        {"needs": list(part.needs), "seqs": part.seqs}
        for part in replayed.incomparable()
        if part.seqs
    ]
    return Recomputed(recorded, replayed.compared, len(replayed.redacted), incomparable)


def _verdicts(replayed: LogReplay, events: Sequence[dict[str, Any]]) -> Recomputed:
    recorded = sum(entry["kind"] == ev.JUDGED and bool(entry["subject"]) for entry in events)
    incomparable = [
        {"needs": list(part.needs), "seqs": part.verdicts}
        for part in replayed.incomparable()
        if part.verdicts
    ]
    return Recomputed(recorded, replayed.verdicts, len(replayed.redacted_verdicts), incomparable)


def _document(
    request: Request,
    state: State,
    audited: AuditResult,
    examined: Examined,
    events: list[dict[str, Any]],
) -> dict[str, Any]:
    made = {} if request.made_us is None else {"madeAt": format_time(request.made_us)}
    return {
        "format": FORMAT,
        "madeBy": f"rynxs=={__version__}",
        **made,
        "log": {
            "origin": state.origin,
            "size": audited.size,
            "epoch": audited.tip.epoch,
            "head": audited.tip.head.hex(),
            "root": base64.b64encode(audited.root).decode(),
            "firstTime": events[0]["time"] if events else None,
            "lastTime": events[-1]["time"] if events else None,
        },
        "verification": {
            "statements": statements(examined),
            "commands": commands(examined),
            "keys": examined.keys,
            "checkpoints": examined.checkpoints,
            "plans": examined.plans._asdict(),
            "verdicts": examined.verdicts._asdict(),
        },
        "epochs": _epochs(events),
        "findings": [refused_now(state), *findings(events)],
        "subjects": _subjects(events),
        "events": events,
    }


def _epochs(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each epoch with what ran in it and how many records it has."""
    found: dict[int, dict[str, Any]] = {}
    for entry in events:
        epoch = entry["epoch"]
        if entry["kind"] == ev.EPOCH_STARTED and not entry["subject"] and epoch not in found:
            detail = entry["detail"]
            composition = detail["composition"]
            found[epoch] = {
                "epoch": epoch,
                "seq": entry["seq"],
                "time": entry["time"],
                "kernel": detail["kernel"],
                "identity": detail["identity"],
                "reducers": [_requirement(part) for part in composition["reducers"]],
                "renderers": [_requirement(part) for part in composition["renderers"]],
                "records": 0,
            }
        if epoch in found:
            found[epoch]["records"] += 1
    return list(found.values())


def _requirement(component: dict[str, Any]) -> str:
    return f"{component['name']}=={component['version']}"


def _subjects(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return every subject, sorted, with how many events it has and whether it is there now."""
    found: dict[str, dict[str, Any]] = {}
    for entry in events:
        subject = entry["subject"]
        if not subject:
            continue
        known = found.setdefault(
            subject, {"subject": subject, "events": 0, "firstSeq": entry["seq"], "live": False}
        )
        known["events"] += 1
        known["lastSeq"] = entry["seq"]
        for change in entry.get("changes", ()):
            if change["path"] == ["live"]:
                known["live"] = change["after"]
    return [found[subject] for subject in sorted(found)]
