"""What was verified of a log and what was not, in sentences, and the commands that do it again."""

from __future__ import annotations

import shlex
from typing import Any, NamedTuple

VERIFIED = "verified"
NOT_VERIFIED = "not verified"


class Recomputed(NamedTuple):
    """How the recorded plans, or verdicts, fared when they were computed again.

    Attributes:
        recorded: number of their records.
        recomputed: how many came out byte for byte as recorded.
        redacted: how many can't be computed again because a payload that it takes is erased.
        incomparable: maps of ``needs`` (requirements, not installed) and ``seqs``.
    """

    recorded: int
    recomputed: int
    redacted: int
    incomparable: list[dict[str, Any]]


class Examined(NamedTuple):
    """What the passes over a log found.

    Attributes:
        size: number of records.
        erased: number of records without payload.
        checkpoints: the stored ones, as docs/REPORT.md describes them, by size.
        keys: maps of ``name``, ``keyId`` and ``vkey`` of the keys that were given.
        required: how many of them must have signed the newest checkpoint.
        plans, verdicts: the plans, and the verdicts.
        unfinished: seqs of records that a redaction names, and whose payload is still there.
    """

    size: int
    erased: int
    checkpoints: list[dict[str, Any]]
    keys: list[dict[str, str]]
    required: int
    plans: Recomputed
    verdicts: Recomputed
    unfinished: list[int]

    @property
    def signed_size(self) -> int:
        """How many records the newest checkpoint covers."""
        return max((each["size"] for each in self.checkpoints), default=0)


def statements(examined: Examined) -> list[dict[str, str]]:
    """Return what was and was not verified, as maps of ``what``, ``status`` and ``detail``."""
    return [
        _records(examined),
        _checkpoints(examined),
        _signatures(examined),
        _coverage(examined),
        _recomputed("plan", examined.plans),
        *([_recomputed("verdict", examined.verdicts)] if examined.verdicts.recorded else []),
        *_unfinished(examined.unfinished),
        {
            "what": "That nobody replaced the log as a whole",
            "status": NOT_VERIFIED,
            "detail": "Whoever holds the storage and the signing key could write another log. Only "
            "a checkpoint that was kept elsewhere shows it: compare it with the last command.",
        },
        {
            "what": "That what the log says is true",
            "status": NOT_VERIFIED,
            "detail": "A log proves what was recorded, when, and in which order. An actor marked "
            "as not authenticated is the name that was given, vouched for by nobody.",
        },
    ]


def commands(examined: Examined) -> list[dict[str, str]]:
    """Return how to verify all of it again, as maps of ``does`` and ``command``."""
    keys = " ".join(f"--key {shlex.quote(key['vkey'])}" for key in examined.keys)
    if examined.required > 1:
        keys += f" --require {examined.required}"
    given = keys or "--key VKEY"
    return [
        {
            "does": "Every record, the tree, the checkpoints and their signatures",
            "command": f'rynxs log verify --log "$LOG" {given}',
        },
        {
            "does": "Every plan and verdict, computed again and compared",
            "command": 'rynxs replay --log "$LOG" --check',
        },
        {
            "does": "This report, made again: the same log gives the same bytes",
            "command": f'rynxs report --log "$LOG" {keys + " " if keys else ""}--html report.html',
        },
        {
            "does": "That the log still holds what a checkpoint kept elsewhere says",
            "command": f'rynxs checkpoint verify kept-checkpoint.txt --log "$LOG" {given}',
        },
    ]


def _records(examined: Examined) -> dict[str, str]:
    detail = (
        f"All {count(examined.size, 'record')}: the form of each header, the hash chain from the "
        "first record to the last, and size and hash of every payload."
    )
    if examined.erased:
        detail += (
            f" {count(examined.erased, 'payload')} erased; what was there can't be compared with "
            "its hash any more, its header and its place in the chain hold."
        )
    return {"what": "Every record", "status": VERIFIED, "detail": detail}


def _unfinished(seqs: list[int]) -> list[dict[str, str]]:
    if not seqs:
        return []
    detail = (
        f"{count(len(seqs), 'payload')} that a redaction names still there: the next command that "
        f"writes to the log erases it. Records: {', '.join(map(str, seqs))}."
    )
    return [{"what": "Redactions are carried out", "status": NOT_VERIFIED, "detail": detail}]


def _checkpoints(examined: Examined) -> dict[str, str]:
    what = "The log is what its checkpoints say"
    if not examined.checkpoints:
        detail = "No checkpoint is stored with this log, so nothing in it is signed."
        return {"what": what, "status": NOT_VERIFIED, "detail": detail}
    detail = (
        f"{count(len(examined.checkpoints), 'checkpoint')} compared: the root of the Merkle tree "
        "over the records is the one stated."
    )
    return {"what": what, "status": VERIFIED, "detail": detail}


def _signatures(examined: Examined) -> dict[str, str]:
    what = "Who signed"
    if not examined.checkpoints:
        detail = "There is no checkpoint, so there is no signature to check."
        return {"what": what, "status": NOT_VERIFIED, "detail": detail}
    if not examined.keys:
        detail = (
            "Signature not checked: no public key was given (--key). The names beside the "
            "checkpoints are what their signature lines claim."
        )
        return {"what": what, "status": NOT_VERIFIED, "detail": detail}
    lines = [line for each in examined.checkpoints for line in each["signatures"]]
    names = sorted({line["name"] for line in lines if line["verified"]})
    detail = (
        "Each checkpoint is signed by a key that was given, or that the log's key rotations link "
        f"to one; the newest by at least {examined.required}. These signed: {', '.join(names)}."
    )
    return {"what": what, "status": VERIFIED, "detail": detail}


def _coverage(examined: Examined) -> dict[str, str]:
    what = "That all records are covered by a checkpoint"
    rest = examined.size - examined.signed_size
    if not rest:
        detail = f"The newest checkpoint covers all {count(examined.size, 'record')}."
        return {"what": what, "status": VERIFIED, "detail": detail}
    detail = (
        f"{count(rest, 'record')} from {examined.signed_size} on: chained, but covered by no "
        "checkpoint, so that nobody has signed for them yet."
    )
    return {"what": what, "status": NOT_VERIFIED, "detail": detail}


def _recomputed(noun: str, made: Recomputed) -> dict[str, str]:
    recomputed = f"{made.recomputed:,} of {count(made.recorded, noun)} recomputed"
    parts = [f"{recomputed}, and byte for byte as recorded."]
    for part in made.incomparable:
        needs = ", ".join(part["needs"])
        parts.append(f"{count(len(part['seqs']), noun)} not compared: this needs {needs}.")
    if made.redacted:
        parts.append(
            f"{count(made.redacted, noun)} not compared: a payload that it takes is erased."
        )
    return {
        "what": f"Every {noun} follows from the log",
        "status": VERIFIED if made.recomputed == made.recorded else NOT_VERIFIED,
        "detail": " ".join(parts),
    }


def count(number: int, noun: str) -> str:
    """Return a number with its noun, as in ``1,234 records``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
