"""Who reduces the events of a kind, and slices that one event decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from rynxs.engine import event as ev
from rynxs.engine import shapes
from rynxs.engine.contracts import Reducer
from rynxs.engine.slices import UNKNOWN, Deferred, Slices
from rynxs.errors import PluginError, RynxsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.engine.event import Event
    from rynxs.engine.slices import Held, Unknown

Answer = TypeVar("Answer")
_NONE: Final[frozenset[str]] = frozenset()


class Route:
    """What becomes of the events of one ``group/Kind``.

    Attributes:
        observed, deleted: the kinds of the events that say so.
        reducer: who owns the kind, or None.
        decided_by: the kinds of events that alone decide a slice, whatever was before; empty if the
            reducer has to see every event when it is folded.
        starts_anew: the kinds of events after which nothing that was before them counts.
        reads: whether plans of this kind depend on what their slices name.
        slices: what `Slices` holds of this ``group/Kind``.
    """

    __slots__ = ("decided_by", "deleted", "observed", "reads", "reducer", "slices", "starts_anew")

    def __init__(self, kind: str, reducer: Reducer | None, slices: dict[str, Held]) -> None:
        self.observed = ev.observed(kind)
        self.deleted = ev.deleted(kind)
        self.reducer = reducer
        self.slices = slices
        # Whose plans change along must be known as soon as it happens, so nothing can be put off.
        made = type(reducer) if reducer is not None else Reducer
        follows = made.dependents is not Reducer.dependents
        self.starts_anew = starts_anew(kind, reducer)
        self.reads = made.reads is not Reducer.reads
        self.decided_by = _NONE if follows or self.reads else decided_by(reducer)


class Decided(Deferred):
    """A slice that follows from one event alone.

    Attributes:
        event: that event.
    """

    __slots__ = ("_is_made", "_route", "_value", "event")

    def __init__(self, route: Route, event: Event) -> None:
        self.event = event
        self._route = route
        self._is_made = False
        self._value: Mapping[str, Any] | Unknown | None = None

    def value(self) -> Mapping[str, Any] | Unknown | None:
        """Return the slice.

        Raises:
            LogCorrupt: the event has not the shape of its kind.
            PluginError: the reducer failed on it.
        """
        if not self._is_made:
            self._value = self._made()
            self._is_made = True
        return self._value

    def _made(self) -> Mapping[str, Any] | Unknown | None:
        event, reducer = self.event, self._route.reducer
        assert reducer is not None
        if event.kind == self._route.observed:
            shapes.check_observation(event)
        try:
            return reducer.reduce(None, event, Slices())
        except Exception as error:
            if event.is_erased:
                return UNKNOWN
            if isinstance(error, RynxsError):
                raise
            raise failure_of(reducer, event, error) from error


def decided_by(reducer: Reducer | None) -> frozenset[str]:
    """Return the kinds of events of which the last one alone decides a slice of this reducer."""
    return _NONE if reducer is None else reducer.decided_by


def starts_anew(kind: str, reducer: Reducer | None) -> frozenset[str]:
    """Return the kinds of events after which nothing that was before them counts.

    Args:
        kind: of the resource.
        reducer: who owns it; without one only the newest observation is kept.
    """
    if reducer is None:
        return frozenset({ev.observed(kind), ev.deleted(kind)})
    return reducer.decided_by | {ev.deleted(kind)}


def answer_of(reducer: Reducer, ask: Callable[..., Answer], subject: str, *more: Any) -> Answer:
    """Return what a method of a reducer answers about a subject.

    Raises:
        PluginError: it raised.
    """
    try:
        return ask(subject, *more)
    except Exception as error:
        raise PluginError(
            f"reducer {reducer.name}=={reducer.version} failed on {subject} in {ask.__name__}(): "
            f"{type(error).__name__}: {error}"
        ) from error


def status_of(
    reducer: Reducer, subject: str, current: Mapping[str, Any], *more: Any
) -> dict[str, Any]:
    """Return what a reducer says of an object's status, beside the conditions of a verdict on it.

    Raises:
        PluginError: it raised, or what it returned is no status.
    """
    said = answer_of(reducer, reducer.status, subject, current, *more)
    fault = _status_fault(said)
    if fault:
        raise PluginError(
            f"reducer {reducer.name}=={reducer.version} returned for {subject} what is no status: "
            f"{fault}"
        )
    return dict(said)


def _status_fault(said: Any) -> str:
    if not isinstance(said, Mapping):
        return f"found {type(said).__name__}, a status is a map"
    conditions = said.get("conditions", ())
    if not isinstance(conditions, list | tuple):
        return f"conditions: found {type(conditions).__name__}, allowed is a list"
    for number, condition in enumerate(conditions):
        if not isinstance(condition, Mapping):
            return f"conditions[{number}]: found {type(condition).__name__}, a condition is a map"
        for name in ("type", "status", "reason", "message"):
            if not isinstance(condition.get(name), str):
                return f"conditions[{number}].{name}: found {condition.get(name)!r}, wanted is text"
    return ""


def failure_of(reducer: Reducer, event: Event, error: Exception) -> PluginError:
    """Return the error that names a reducer and the record it failed on."""
    return PluginError(
        f"reducer {reducer.name}=={reducer.version} failed on record {event.seq} "
        f"({event.kind} of {event.subject}): {type(error).__name__}: {error}"
    )
