"""Snapshots: a state with the chain's end, in bytes; a cache that never changes an answer.

docs/FORMAT.md, section 8, describes the object, and section 11 the event that vouches for it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rynxs.engine import event as ev
from rynxs.engine import shapes
from rynxs.engine.event import Event
from rynxs.engine.plan import Planned
from rynxs.engine.slices import UNKNOWN, Stored
from rynxs.engine.state import State
from rynxs.engine.verdict import KIND_SUFFIX, judged_subject
from rynxs.errors import LogCorrupt, PluginError, ValueRefused
from rynxs.eventlog import canonical, cbor
from rynxs.eventlog.chain import Chain, Tip
from rynxs.eventlog.merkle import Frontier
from rynxs.eventlog.record import FIELD_MAX, is_subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rynxs.engine.composition import Composition
    from rynxs.engine.slices import Unknown

PREFIX: Final = "snapshots/"
VERSION: Final = 3
_UNKNOWN: Final = False
_SLICE_ERRORS: Final = (ValueRefused, LogCorrupt, PluginError)
"""What is raised for a slice that is no map of JSON values, or that its reducer never made."""
_NONE: Final = type(None)
_EVENT_TYPES: Final = frozenset(
    (int, int, int, str, payload, cause) for payload in (bytes, _NONE) for cause in (int, _NONE)
)
_PLAN_TYPES: Final = frozenset({(int, bytes), (int, _NONE)})
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
        _check_numbers([size, epoch, time_us])
        _check_types(bytes, [head, *nodes])
        _check_kept(kept, size)
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
    except (*cbor.DECODE_ERRORS, LookupError, AttributeError, *_SLICE_ERRORS):
        return None
    return Restored(state, chain)


def _check_kept(kept: dict[str, Any], size: int) -> None:
    """Refuse what the state of `size` records could not be made of.

    Raises:
        ValueError, TypeError, LookupError, AttributeError: a member is missing, or is not of the
            shape that `encode` gives it.
    """
    if kept["composition"] is not None:
        shapes.CompositionShape.model_validate(kept["composition"])
    _check_numbers([kept["snapshot"], kept["toCarry"]])
    _check_types(str, [kept["origin"], kept["predecessor"], kept["successor"], *kept["incidents"]])
    for seqs in (dict(kept["affected"]), kept["applied"], kept["judged"]):
        _check_numbers(seqs.values(), size)
        _check_subjects(seqs)
    _check_subjects(kept["statuses"])
    for seen in kept["statuses"].values():
        _check_types(str, seen)
        _check_types(dict, seen.values())


def _check_types(kind: type, values: Iterable[Any]) -> None:
    if not all(type(value) is kind for value in values):
        raise TypeError(f"expected is {kind.__name__}")


def _check_numbers(values: Iterable[Any], limit: int = FIELD_MAX + 1) -> None:
    if not all(type(value) is int and 0 <= value < limit for value in values):
        raise ValueError(f"expected are numbers below {limit}")


def _check_subjects(subjects: Iterable[Any]) -> None:
    if not all(subject and is_subject(subject) for subject in subjects):
        raise ValueError("a subject that no header has")


def _restore(state: State, subject: str, row: list[Any]) -> None:
    """Put down what a row says of a subject.

    Raises:
        ValueError, TypeError: it is not of the shape that `encode` gives it.
        LogCorrupt: a verdict is none.
    """
    newest, current, plan, unplanned = row
    if not (subject and is_subject(subject)):
        raise ValueError("a subject that no header has")
    if newest is not None:
        state.newest[subject] = _event(subject, newest, state.size)
    if current is not None:
        state.slices.put(subject, _slice(subject, current, state.size))
    if plan is not None:
        state.plans[subject] = _plan(subject, plan, state.size)
    if unplanned is not None:
        _check_numbers([unplanned], state.size)
        state.unplanned[subject] = unplanned


def _event(subject: str, members: list[Any], size: int) -> Event:
    seq, epoch, time_us, kind, payload, cause = members
    # There are thousands of them, so their types are compared at once.
    if tuple(map(type, members)) not in _EVENT_TYPES:
        raise TypeError("an event of other types")
    if not 0 <= seq < size or not 0 <= (cause or 0) < size or epoch < 0 or time_us < 0:
        raise ValueError("an event that is not in the log")
    return Event(seq, epoch, time_us, kind, subject, payload, cause)


def _slice(subject: str, current: Any, size: int) -> Stored | Unknown:
    if current is _UNKNOWN:
        return UNKNOWN
    if type(current) is not bytes:
        raise TypeError("a slice that is not in bytes")
    stored = Stored(current, size)
    if KIND_SUFFIX in subject and judged_subject(subject):
        shapes.Verdict.model_validate(stored.value())
    return stored


def _plan(subject: str, members: list[Any], size: int) -> Planned:
    seq, lines = members
    if tuple(map(type, members)) not in _PLAN_TYPES or not 0 <= seq < size:
        raise ValueError("a plan of other types, or that is not in the log")
    return Planned(Event(seq, 0, 0, ev.PLANNED, subject, lines))


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
