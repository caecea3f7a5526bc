"""Carrying a state over into the log that goes on from one that is closed.

A log's first record names its predecessor; then there is a ``Carried`` record a subject, with its
newest observation and its slice (docs/FORMAT.md, section 11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.engine import event as ev
from rynxs.engine.event import Event
from rynxs.engine.slices import Slices, Unknown, identical
from rynxs.engine.subject import parse_subject
from rynxs.errors import CheckpointRefused, LogCorrupt
from rynxs.eventlog import canonical
from rynxs.eventlog import checkpoint as cp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs.engine.composition import Composition
    from rynxs.engine.contracts import Reducer
    from rynxs.engine.shapes import Predecessor
    from rynxs.engine.state import State


def subjects_of(state: State) -> list[str]:
    """Return the subjects that have something to carry: those that are live or have a slice."""
    sliced = [subject for subject, _ in state.slices.items()]
    return sorted({*state.newest, *sliced, *state.slices.unknown()})


def payload_of(state: State, subject: str, reducer: Reducer | None) -> dict[str, Any]:
    """Return the payload of a subject's ``Carried`` record; `reducer` is the one of its kind."""
    newest, current = state.observation(subject), state.slices.value(subject)
    derived = newest is not None and _is_derived(newest, current, reducer)
    return {
        "derived": derived,
        "known": not isinstance(current, Unknown),
        "newest": None
        if newest is None
        else {
            "epoch": newest.epoch,
            "payload": newest.payload,
            "seq": newest.seq,
            "timeUs": newest.time_us,
        },
        "slice": None
        if derived or current is None or isinstance(current, Unknown)
        else dict(current),
    }


def check_predecessor(named: Predecessor, seq: int) -> None:
    """Check that a log's first record names its predecessor as the checkpoint in it does.

    Raises:
        LogCorrupt: it names another log or size, or the checkpoint is none.
    """
    try:
        checkpoint, _ = cp.parse(named.checkpoint.encode())
    except CheckpointRefused as error:
        raise LogCorrupt(seq, f"predecessor.checkpoint: {error}") from None
    if (checkpoint.origin, checkpoint.size) != (named.origin, named.size):
        raise LogCorrupt(
            seq,
            f"predecessor.checkpoint: of {checkpoint.size} records of {checkpoint.origin}, not of "
            f"{named.size} of {named.origin}",
        )


def observation(event: Event) -> Event:
    """Return the observation that a ``Carried`` event holds, at the place of that event."""
    kind = ev.observed(parse_subject(event.subject).kind)
    encoded = canonical.encode(event.payload["newest"]["payload"])
    return Event(event.seq, event.epoch, event.time_us, kind, event.subject, encoded)


def _is_derived(
    newest: Event, current: Mapping[str, Any] | Unknown | None, reducer: Reducer | None
) -> bool:
    """Tell whether the newest observation alone makes the slice, wherever in a log it stands.

    Then only the observation is carried, since both together may be too large for a record.
    """
    if reducer is None:
        return current is None
    if current is None or isinstance(current, Unknown):
        return False
    elsewhere = Event(
        newest.seq + 1,
        newest.epoch + 1,
        newest.time_us + 1,
        newest.kind,
        newest.subject,
        newest.encoded,
    )
    try:
        made = [reducer.reduce(None, event, Slices()) for event in (newest, elsewhere)]
    except Exception:
        return False
    return all(identical(current, each) for each in made)


def has_same_reducer(
    subject: str, recorded: Mapping[str, Any] | None, installed: Composition
) -> bool:
    """Tell whether the reducer at hand is the one that made what was carried."""
    requirement = installed.reducer_requirement(parse_subject(subject).group_kind)
    at_hand = [
        part
        for part in installed.as_json()["reducers"]
        if f"{part['name']}=={part['version']}" == requirement
    ]
    made_with = recorded["reducers"] if recorded else []
    return not requirement or any(part in made_with for part in at_hand)
