"""What a subject's slice and manifests were, version by version, and where a field changed."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rynxs.engine import event as ev
from rynxs.engine import plan, shapes
from rynxs.engine.diff import ABSENT
from rynxs.engine.slices import Unknown, identical
from rynxs.errors import UsageError
from rynxs.problems import join_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rynxs.engine.event import Event
    from rynxs.engine.state import State

SLICE: Final = "slice"
_NEAR_MAX = 3
_Steps = tuple[object, ...]


class Version(NamedTuple):
    """What a slice or a manifest was from some record on; `value` is `ABSENT` when it was not."""

    seq: int
    value: Any


class Found(NamedTuple):
    """A field's value, and the record with which it came to be so.

    Attributes:
        field: the field in full, as ``<manifest id>:<path>`` or ``slice.<path>``.
        value: its value, `ABSENT` if it is no longer there.
        seq: the ``Planned`` record of the manifest, or the event that changed the slice.
    """

    field: str
    value: Any
    seq: int


class Timeline:
    """The versions of one subject's slice and manifests; told of every event of the log."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._slices: list[Version] = []
        self._manifests: dict[str, list[Version]] = {}
        self._kinds: dict[str, str] = {}
        self._entries: Mapping[str, Mapping[str, Any]] = {}

    def take(self, event: Event, state: State) -> None:
        """Take in an event, and the state that it made."""
        if event.subject != self._subject:
            return
        if event.kind == ev.PLANNED:
            self._take_plan(event)
            return
        current = state.slices.value(self._subject)
        value = ABSENT if current is None or isinstance(current, Unknown) else current
        last = self._slices[-1].value if self._slices else ABSENT
        if not identical(_none(last), _none(value)):
            self._slices.append(Version(event.seq, value))

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the subject has been seen."""
        return not (self._slices or self._manifests)

    def find(self, text: str) -> Found:
        """Return the value of the field that a text names, and where it last changed.

        Args:
            text: ``slice.<path>``, ``<Kind>.<path>``, or ``<manifest id>:<path>``, with the paths
                of `rynxs.problems.join_path`.

        Raises:
            UsageError: it names no field, several, or one whose manifest is erased.
        """
        places: dict[tuple[str, _Steps], str] = {}
        known: set[str] = set()
        for holder, steps in self._fields():
            names = self._names(holder, steps)
            known.update(names)
            if text in names:
                places[holder, steps] = names[0]
        if not places:
            raise UsageError(f"{self._subject} has no field {text!r}{_near(text, known)}")
        if len(places) > 1:
            raise UsageError(f"{text!r} is one of {', '.join(sorted(places.values()))}; name one")
        ((holder, steps), name), *_ = places.items()
        if holder != SLICE:
            self._refuse_erased(holder)
        seq, value = _last_change(self._versions(holder), steps)
        return Found(name, value, seq)

    def _take_plan(self, event: Event) -> None:
        if event.is_erased:
            return
        shapes.checked(shapes.Planned, event)
        body = event.payload
        for manifest in body["changed"]:
            identifier = plan.manifest_id(manifest)
            self._kinds[identifier] = manifest["kind"]
            self._manifests.setdefault(identifier, []).append(Version(event.seq, manifest))
        for identifier in (*body["removed"], *body["retained"]):
            if identifier in self._manifests:
                self._manifests[identifier].append(Version(event.seq, ABSENT))
        self._entries = plan.Planned(event).entries

    def _versions(self, holder: str) -> list[Version]:
        return self._slices if holder == SLICE else self._manifests[holder]

    def _fields(self) -> Iterator[tuple[str, _Steps]]:
        for holder in (SLICE, *self._manifests):
            seen = {steps for version in self._versions(holder) for steps in _paths(version.value)}
            for steps in seen:
                yield holder, steps

    def _names(self, holder: str, steps: _Steps) -> tuple[str, ...]:
        """Return what names a field: the unambiguous name, and the short one if there is one."""
        path = join_path(steps)
        if holder == SLICE:
            return (f"{SLICE}.{path}",)
        return f"{holder}:{path}", f"{self._kinds[holder]}.{path}"

    def _refuse_erased(self, identifier: str) -> None:
        entry = self._entries.get(identifier)
        last = self._manifests[identifier][-1].value
        if entry and (last is ABSENT or plan.digest_of_manifest(last) != entry["digest"]):
            raise UsageError(f"{identifier} of {self._subject}: redacted, only its digest is left")


def _paths(value: Any, steps: _Steps = ()) -> Iterator[_Steps]:
    if value is ABSENT:
        return
    if steps:
        yield steps
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _paths(inner, (*steps, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _paths(inner, (*steps, index))


def _last_change(versions: list[Version], steps: _Steps) -> tuple[int, Any]:
    changed, last = versions[0].seq, ABSENT
    for seq, whole in versions:
        value = _at(whole, steps)
        if not identical({"": _none(value)}, {"": _none(last)}) or (value is ABSENT) != (
            last is ABSENT
        ):
            changed, last = seq, value
    return changed, last


def _at(value: Any, steps: _Steps) -> Any:
    for step in steps:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return ABSENT
    return value


def _none(value: Any) -> Any:
    return None if value is ABSENT else value


def _near(text: str, known: set[str]) -> str:
    close = get_close_matches(text, sorted(known), n=_NEAR_MAX)
    return f"; near are {', '.join(close)}" if close else ""
