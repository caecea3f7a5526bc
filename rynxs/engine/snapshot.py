"""Snapshots: a state with the chain's end, in bytes; a cache that never changes an answer.

docs/FORMAT.md, section 8, describes the object, and section 11 the event that vouches for it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rynxs.engine import event as ev
from rynxs.engine.event import Event
from rynxs.engine.plan import Planned
from rynxs.engine.slices import UNKNOWN, Stored
from rynxs.engine.state import State
from rynxs.eventlog import canonical, cbor
from rynxs.eventlog.chain import Chain, Tip
from rynxs.eventlog.merkle import Frontier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs.engine.composition import Composition

PREFIX: Final = "snapshots/"
VERSION: Final = 3
_UNKNOWN: Final = False
_NO_PLAN_BUT_ITS_LINES: Final = {
    "changed": [],
    "reducer": "",
    "removed": [],
    "renderers": [],
    "retained": [],
}


class Restored(NamedTuple):
    """What a snapshot holds.

    Attributes:
        state: as it was.
        chain: verified up to there; the snapshot's own word for it.
    """

    state: State
    chain: Chain


def object_name(size: int) -> str:
    """Return the name of the snapshot of the first `size` records."""
    return f"{PREFIX}{size:020d}"


def digest_of(data: bytes) -> str:
    """Return SHA-256, lower-case hex."""
    return sha256(data).hexdigest()


def encode(state: State, chain: Chain, composition: Composition, salt: bytes) -> bytes:
    """Return a state and its chain's end as an object.

    Args:
        state: of all records of the chain, and no more.
        chain: the log.
        composition: the reducers and renderers that the state was made with.
        salt: 16 random bytes: the object's digest stays in the log when the object is deleted for
            what it holds, and must not tell a guess of that from the truth.
    """
    assert state.size == chain.size, "a snapshot is of what is durable"
    tip, unplanned, slices = chain.tip, state.unplanned, dict(state.slices.encoded())
    unknown = {*state.slices.unknown()}
    rows = []
    affected = list(state.affected.items())
    for subject in sorted({*state.newest, *slices, *state.plans, *unplanned}):
        newest, plan = state.newest.get(subject), state.plans.get(subject)
        row = [
            None if newest is None else _event_row(newest),
            _UNKNOWN if subject in unknown else slices.get(subject),
            None if plan is None else _plan_row(plan),
            unplanned.get(subject),
        ]
        rows.append([subject, cbor.dumps(row)])
    kept = {
        "affected": affected,
        "applied": state.applied,
        "composition": state.composition,
        "incidents": sorted(state.incidents),
        "judged": state.judged,
        "origin": state.origin,
        "predecessor": state.predecessor,
        "snapshot": state.snapshot,
        "statuses": state.statuses,
        "successor": state.successor,
        "toCarry": state.to_carry,
    }
    members = [
        *(VERSION, chain.size, tip.head, tip.epoch, tip.time_us, chain.frontier.nodes()),
        *(composition.as_json(), kept, rows, salt),
    ]
    return cbor.dumps(members)


def decode(data: bytes, composition: Composition) -> Restored | None:
    """Return what an object holds; None if it is malformed, or of another composition."""
    try:
        version, size, head, epoch, time_us, nodes, made_with, kept, rows, _ = cbor.loads(data)
        if version != VERSION or not _is_same(made_with, composition.as_json()):
            return None
        state = State(composition)
        state.size, state.epoch, state.time_us = size, epoch, time_us
        state.composition, state.origin = kept["composition"], kept["origin"]
        state.incidents, state.snapshot = {*kept["incidents"]}, kept["snapshot"]
        state.predecessor, state.successor = kept["predecessor"], kept["successor"]
        state.to_carry = kept["toCarry"]
        state.affected, state.judged = dict(kept["affected"]), kept["judged"]
        state.statuses, state.applied = kept["statuses"], kept["applied"]
        for subject, row in rows:
            _restore(state, subject, cbor.loads(row))
        state.restored()
        chain = Chain(Tip(head, epoch, time_us), Frontier(size, nodes))
    except (*cbor.DECODE_ERRORS, LookupError, AttributeError):
        return None
    return Restored(state, chain)


def _restore(state: State, subject: str, row: list[Any]) -> None:
    newest, current, plan, unplanned = row
    if newest is not None:
        seq, epoch, time_us, kind, payload, cause = newest
        state.newest[subject] = Event(seq, epoch, time_us, kind, subject, payload, cause)
    if current is _UNKNOWN:
        state.slices.put(subject, UNKNOWN)
    elif current is not None:
        state.slices.put(subject, Stored(current, state.size))
    if plan is not None:
        seq, lines = plan
        state.plans[subject] = Planned(Event(seq, 0, 0, ev.PLANNED, subject, lines))
    if unplanned is not None:
        state.unplanned[subject] = unplanned


def _event_row(event: Event) -> list[Any]:
    payload = None if event.is_erased else event.encoded
    return [event.seq, event.epoch, event.time_us, event.kind, payload, event.cause]


def _plan_row(plan: Planned) -> list[Any]:
    """Return seq and lines of a plan; the lines as the payload of a plan in which nothing changed.

    So they are read as any plan's are, and not before somebody asks.
    """
    if plan.is_erased:
        return [plan.seq, None]
    lines = {**_NO_PLAN_BUT_ITS_LINES, "manifests": list(plan.entries.values())}
    return [plan.seq, canonical.encode(lines)]


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return canonical.encode(dict(one)) == canonical.encode(dict(other))
