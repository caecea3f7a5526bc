"""The report as Markdown: the whole of it as text, for people and for tools without a browser."""

from __future__ import annotations

import json
import re
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from rynxs.escapes import escaped
from rynxs.problems import join_path
from rynxs.report.refusals import is_about_verdict
from rynxs.report.sections import detail_lines, found_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# What Markdown or HTML gives a meaning to, so that texts of the log have none.
_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|<>&~-])")
_VALUE_MAX = 200
_UNKNOWN = {
    "manifests": "manifestsUnknown",
    "slice": "sliceUnknown",
    "verdict": "verdictUnknown",
}


def markdown(document: Mapping[str, Any]) -> str:
    """Return the text of a document. The same document gives the same bytes."""
    log, facts = document["log"], document["verification"]
    blocks = [
        f"# Log report: {_text(log['origin'] or 'an empty log')}",
        _list(
            f"{name}: {_text(str(value))}"
            for name, value in (
                ("Records", log["size"]),
                ("First record", log["firstTime"]),
                ("Last record", log["lastTime"]),
                ("Root hash", log["root"]),
                ("Head", log["head"]),
                ("Made by", document["madeBy"]),
                ("Made at", document.get("madeAt", "not stated")),
            )
        ),
        "## Epochs",
        _table(
            ("Epoch", "Record", "Time", "Written by", "Plugins"), map(_epoch, document["epochs"])
        ),
        "## What was verified",
        _table(
            ("Result", "What", "Detail"),
            ((each["status"], each["what"], each["detail"]) for each in facts["statements"]),
        ),
        "## Who signed",
        _list(f"Key that was given: {_text(key['vkey'])}" for key in facts["keys"]),
        _table(("Size", "Root", "Signatures"), map(_checkpoint, facts["checkpoints"])),
        "## Verify it again",
        *(f"{_text(each['does'])}:\n\n    {each['command']}" for each in facts["commands"]),
        "## What stands out",
        *_findings(document),
        "## Timelines",
        *_timelines(document["events"]),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _findings(document: Mapping[str, Any]) -> list[str]:
    blocks = []
    for group in document["findings"]:
        found = [document["events"][seq] for seq in group["seqs"]]
        lines = (
            f"Record {entry['seq']}, {_text(entry['subject'] or 'the log itself')}: "
            f"{_text('; '.join(said))}"
            for entry, said in zip(found, found_lines(group, found), strict=True)
        )
        blocks += [f"### {group['title']}: {len(found)}", group["meaning"] if found else ""]
        blocks.append(_list(lines))
    return blocks


def _timelines(events: Sequence[Mapping[str, Any]]) -> list[str]:
    blocks = []
    by_subject = sorted(events, key=itemgetter("subject"))  # stable: the order of the log stays
    for subject, entries in groupby(by_subject, key=itemgetter("subject")):
        blocks.append(f"### {_text(subject or 'The log itself')}")
        blocks.append("\n".join(line for entry in entries for line in _entry(entry)))
    return blocks


def _entry(entry: Mapping[str, Any]) -> list[str]:
    actor = entry.get("actor")
    parts = [
        f"{entry['time']} epoch {entry['epoch']}: {entry['title']} ({entry['kind']})",
        *(["payload erased"] if "erased" in entry else []),
        *([f"by {actor['name']} ({_standing(actor)})"] if actor else []),
        *([f"because of record {entry['cause']}"] if "cause" in entry else []),
        *(detail_lines(entry) if "detail" in entry else []),
    ]
    lines = [f"- **{entry['seq']}** {_text('; '.join(parts))}"]
    for change in _telling(entry):
        before, after = (_value(change, side) for side in ("before", "after"))
        line = f"{join_path(change['path'])}: {before} -> {after}"
        lines.append(f"  - {_text(line)}")
    return lines


def _standing(actor: Mapping[str, Any]) -> str:
    """Return what is known of an actor beside the name."""
    told = ["authenticated" if actor["authenticated"] else "not authenticated"]
    if "groups" in actor:
        told.append(f"groups {', '.join(actor['groups'])}")
    if "request" in actor:
        told.append(f"request {actor['request']}")
    return "; ".join(told)


def _telling(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Leave out what is told with the verdict, and what has not gone but become unknown."""
    changes: Sequence[Mapping[str, Any]] = entry.get("changes", ())
    lost = {change["path"][0] for change in changes if change.get("after") is True}
    told = "verdict" if is_about_verdict(entry) else None
    return [
        change
        for change in changes
        if change["path"][0] != told
        and ("after" in change or _UNKNOWN.get(change["path"][0]) not in lost)
    ]


def _value(change: Mapping[str, Any], side: str) -> str:
    if side not in change:
        return "(absent)"
    text = json.dumps(change[side], ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _VALUE_MAX else f"{text[:_VALUE_MAX]}... ({len(text)} characters)"


def _epoch(each: Mapping[str, Any]) -> tuple[str, ...]:
    plugins = [each["kernel"], *each["reducers"], *each["renderers"]]
    numbers = (str(each["epoch"]), str(each["seq"]))
    return (*numbers, each["time"], each["identity"], ", ".join(plugins))


def _checkpoint(each: Mapping[str, Any]) -> tuple[str, ...]:
    lines = [
        f"{line['name']} key {line['keyId']} ({'verified' if line['verified'] else 'not checked'})"
        for line in each["signatures"]
    ]
    return str(each["size"]), each["root"], ", ".join(lines)


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = [f"| {' | '.join(map(_text, row))} |" for row in rows]
    if not body:
        return "None."
    rule = "| --- " * len(names) + "|"
    return "\n".join([f"| {' | '.join(names)} |", rule, *body])


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _text(text: str) -> str:
    """Return text that stays text: on one line, and without a mark of Markdown or HTML."""
    return _MARKS.sub(r"\\\1", escaped(text))
