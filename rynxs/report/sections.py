"""The parts of the page that are there without its script. Every text of the log is escaped."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

from rynxs.report.refusals import SAID, is_about_verdict, refusal_lines, verdict_lines, verdict_of
from rynxs.report.verification import VERIFIED, count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SHOWN_MAX = 200
"""Rows of a table; the rest is in the history, and in the JSON."""
_DETAIL_MAX = 300
_SET_LOG = (
    "<p>Set <code>LOG</code> to where the log is kept, such as <code>file:./rynxs-log</code>, and "
    "compare size and root with those above.</p>"
)
_MINUTE_SIZE = len("2026-01-01T00:00:00")


def head(document: Mapping[str, Any]) -> str:
    """Return the headline: which log, and whether it verifies."""
    log, facts = document["log"], document["verification"]
    open_points = [each for each in facts["statements"] if each["status"] != VERIFIED]
    signed = any(line["verified"] for c in facts["checkpoints"] for line in c["signatures"])
    verdict = "This log verifies, and is signed." if signed else "This log verifies."
    if not facts["checkpoints"]:
        verdict = "This log verifies, but nothing in it is signed."
    elif not signed:
        verdict = "This log verifies; no signature was checked."
    names = "; ".join(each["what"][:1].lower() + each["what"][1:] for each in open_points)
    return (
        f'<p class="lead">{_text(_extent(document))}</p>'
        f'<div class="verdict {"good" if signed else "partial"}"><p><strong>{verdict}</strong> '
        f"Size {log['size']:,}, root <code>{_text(log['root'])}</code></p>"
        f'<p>Not verified: {_text(names)}. <a href="#verification">What this means</a></p></div>'
    )


def summary(document: Mapping[str, Any]) -> str:
    """Return what the log is, and its epochs."""
    log = document["log"]
    facts = _facts(
        [
            ("Origin (the log's name)", _code(log["origin"])),
            ("Records", f"{log['size']:,}"),
            ("First record", _time(log["firstTime"])),
            ("Last record", _time(log["lastTime"])),
            ("Subjects", f"{len(document['subjects']):,}"),
        ],
        [
            ("Root hash", _code(log["root"])),
            ("Head (hash of the last record)", _code(log["head"])),
        ],
    )
    rows = [
        [
            str(each["epoch"]),
            f"{_record(each['seq'])}<br>{_time(each['time'])}",
            f"{each['records']:,}",
            _text(each["identity"]),
            _code(each["kernel"]),
            _codes(each["reducers"]),
            _codes(each["renderers"]),
        ]
        for each in document["epochs"]
    ]
    names = ("Epoch", "Begins", "Records", "Written by", "Kernel", "Reducers", "Renderers")
    return f"{facts}<h3>Epochs</h3>{_table('Epochs, and what ran in them', names, rows)}"


def verification(facts: Mapping[str, Any]) -> str:
    """Return what was verified, who signed, and how to verify it again."""
    rows = [
        [_status(each["status"]), "<br>".join((_strong(each["what"]), _text(each["detail"])))]
        for each in facts["statements"]
    ]
    parts = [
        _table("What was verified, and what was not", ("Result", "What"), rows, "statements"),
        "<h3>Who signed</h3>",
        _keys(facts["keys"]),
        _checkpoints(facts["checkpoints"]),
        "<h3>Verify it again</h3>",
        _SET_LOG,
    ]
    for each in facts["commands"]:
        parts.append(f"<p>{_text(each['does'])}</p>")
        parts.append(f'<pre tabindex="0"><code>{_text(each["command"])}</code></pre>')
    return "".join(parts)


def findings(document: Mapping[str, Any]) -> str:
    """Return what stands out, each group with its records."""
    events = document["events"]
    listed = document["findings"]
    quiet = [each["title"].lower() for each in listed if not each["seqs"]]
    parts = [_findings(each, events) for each in listed if each["seqs"]]
    if quiet:
        parts.append(f"<p>None of these is recorded: {_text(', '.join(quiet))}.</p>")
    return "".join(parts)


def subjects(document: Mapping[str, Any]) -> str:
    """Return the subjects, for readers without the script."""
    rows = [
        [
            _text(each["subject"]),
            "there" if each["live"] else "gone",
            f"{each['events']:,}",
            f"{each['firstSeq']} to {each['lastSeq']}",
        ]
        for each in document["subjects"]
    ]
    names = ("Subject", "At the end", "Events", "Records")
    return _table("Subjects", names, rows)


def made(document: Mapping[str, Any]) -> str:
    """Return the line that says what made the report."""
    at = f" at {document['madeAt']}" if "madeAt" in document else ""
    return _text(f"Made by {document['madeBy']}{at}. Times are in UTC.")


def detail_lines(entry: Mapping[str, Any]) -> list[str]:
    """Return the detail of an event, a verdict's conditions whole, the rest cut where it is long.

    A verdict, and each sentence of its conditions, is a line of its own; the rest is the last line.
    """
    detail, verdict = entry.get("detail", {}), verdict_of(entry)
    lines: list[str] = []
    if is_about_verdict(entry):
        lines = verdict_lines(verdict)
        more = {name: value for name, value in (verdict or {}).items() if name not in SAID}
        detail = {name: value for name, value in detail.items() if name != "verdict"} | more
    rest = "; ".join(f"{name}: {_short(value)}" for name, value in detail.items())
    return [*lines, *([rest] if rest else [])] or [entry["title"]]


def found_lines(group: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return what is to be said of each record of a group of findings, as lines."""
    if "refused" in group:
        return [refusal_lines(each) for each in group["refused"]]
    return [detail_lines(entry) for entry in entries]


def _extent(document: Mapping[str, Any]) -> str:
    log = document["log"]
    if not log["size"]:
        return "The log holds no records."
    first, last = (log[name][:_MINUTE_SIZE].replace("T", " ") for name in ("firstTime", "lastTime"))
    return (
        f"{count(log['size'], 'record')} about {count(len(document['subjects']), 'subject')} in "
        f"{count(len(document['epochs']), 'epoch')}, from {first} to {last} UTC."
    )


def _keys(keys: Sequence[Mapping[str, str]]) -> str:
    if not keys:
        return "<p><strong>Signature not checked:</strong> no public key was given.</p>"
    listed = "".join(f"<li>{_code(key['vkey'])}</li>" for key in keys)
    return f"<p>Public keys that were given, and are believed:</p><ul>{listed}</ul>"


def _checkpoints(checkpoints: Sequence[Mapping[str, Any]]) -> str:
    if not checkpoints:
        return "<p>No checkpoint is stored with this log.</p>"
    rows = [
        [f"{each['size']:,}", _code(each["root"]), "<br>".join(map(_signature, each["signatures"]))]
        for each in checkpoints[::-1]
    ]
    newest = checkpoints[-1]["text"]
    return (
        _table("Checkpoints, the newest first", ("Size", "Root", "Signatures"), rows)
        + "<h4>The newest checkpoint</h4><p>Keep this text: whoever has it sees if the log is ever "
        f'replaced or cut.</p><pre tabindex="0"><code>{_text(newest)}</code></pre>'
    )


def _signature(line: Mapping[str, Any]) -> str:
    status = "verified" if line["verified"] else "not checked"
    return f"{_code(line['name'])} key {_code(line['keyId'])}: <strong>{status}</strong>"


def _findings(group: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> str:
    found = [events[seq] for seq in group["seqs"]]
    rows = [
        [
            _record(entry["seq"]),
            _time(entry["time"]),
            _text(entry["subject"] or "the log itself"),
            "<br>".join(map(_text, lines)),
        ]
        for entry, lines in zip(found, found_lines(group, found), strict=True)
    ]
    names = ("Record", "Time", "Subject", "What")
    return (
        f"<h3>{_text(group['title'])} <span class='count'>{len(found):,}</span></h3>"
        f"<p>{_text(group['meaning'])}</p>{_table(group['title'], names, rows)}"
    )


def _status(status: str) -> str:
    good = status == VERIFIED
    mark = "✓" if good else "!"
    name = "good" if good else "partial"
    return f'<span class="badge {name}"><span aria-hidden="true">{mark}</span> {status}</span>'


def _facts(short: Sequence[tuple[str, str]], wide: Sequence[tuple[str, str]]) -> str:
    styles = [*[""] * len(short), *["wide"] * len(wide)]
    listed = "".join(
        f'<div class="{style}"><dt>{name}</dt><dd>{value}</dd></div>'
        for style, (name, value) in zip(styles, [*short, *wide], strict=True)
    )
    return f'<dl class="facts">{listed}</dl>'


def _table(
    caption: str, names: Sequence[str], rows: Sequence[Sequence[str]], style: str = ""
) -> str:
    """Return a table; the cells are HTML already."""
    header = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = "".join(f"<tr>{_cells(names, row)}</tr>" for row in rows[:SHOWN_MAX])
    more = len(rows) - SHOWN_MAX
    note = f"<p>And {more:,} more; the JSON form of this report has them.</p>" if more > 0 else ""
    return (
        f'<table class="stacking {style}"><caption>{_text(caption)}</caption>'
        f"<thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>{note}"
    )


def _cells(names: Sequence[str], row: Sequence[str]) -> str:
    pairs = zip(names, row, strict=True)
    return "".join(f'<td data-name="{name}"><div>{cell}</div></td>' for name, cell in pairs)


def _record(seq: int) -> str:
    return f'<a href="#record-{seq}">{seq}</a>'


def _time(text: str | None) -> str:
    return "none" if text is None else f'<span class="time">{_text(text)}</span>'


def _strong(text: str) -> str:
    return f"<strong>{_text(text)}</strong>"


def _codes(texts: Iterable[str]) -> str:
    return "<br>".join(map(_code, texts))


def _code(text: str) -> str:
    return f"<code>{_text(text)}</code>"


def _text(text: str) -> str:
    return escape(text)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _DETAIL_MAX else f"{text[:_DETAIL_MAX]}..."
