"""What was known and asked of a subject, version by version, and where a field changed."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rynxs.engine import event as ev
from rynxs.engine import plan, shapes
from rynxs.engine.applied import APPLIED, FAILED, Answers
from rynxs.engine.conditions import conditions_in_force, refusal_of
from rynxs.engine.diff import ABSENT
from rynxs.engine.slices import UNKNOWN, Unknown, identical
from rynxs.engine.verdict import verdict_subject
from rynxs.errors import UsageError
from rynxs.problems import join_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rynxs.engine.event import Event
    from rynxs.engine.state import State

SLICE: Final = "slice"
VERDICT: Final = "verdict"
CONDITIONS: Final = "conditions"
_NEAR_MAX = 3
_Steps = tuple[object, ...]


class NoSuchField(UsageError):
    """A subject has and had no field of that name."""


class Version(NamedTuple):
    """What something was from some record on; `value` is `ABSENT` when it was not there."""

    seq: int
    value: Any


class Found(NamedTuple):
    """A field's value, and the record with which it came to be so.

    Attributes:
        field: the field in full, as ``<manifest id>:<path>``, ``slice.<path>``, ``verdict.<path>``
            or ``conditions.<type>``.
        value: its value, `ABSENT` if it is no longer there.
        seq: the ``Planned`` record of the manifest, or the event that changed the rest.
    """

    field: str
    value: Any
    seq: int


class Timeline:
    """The versions of one subject's slice, verdict and manifests; told of every event of the log.

    Attributes:
        refused_since: the record since which the same side, its reducer or its governor, refuses
            the subject without a break; None if it is not refused, or without the conditions.
    """

    def __init__(self, subject: str, *, with_conditions: bool = False) -> None:
        """Follow a subject.

        Args:
            subject: the subject.
            with_conditions: whether to follow the conditions in force too, and ``Applied`` once the
                cluster has answered. Any event may change them, so they are asked for at every one.
        """
        self.refused_since: int | None = None
        self._is_refused_by_verdict = False
        self._subject = subject
        self._verdict_subject = verdict_subject(subject)
        self._with_conditions = with_conditions
        self._answers = Answers(subject)
        self._known: dict[str, list[Version]] = {SLICE: [], VERDICT: [], CONDITIONS: []}
        self._unknown: dict[str, int] = {}
        self._manifests: dict[str, list[Version]] = {}
        self._kinds: dict[str, str] = {}
        self._entries: Mapping[str, Mapping[str, Any]] = {}

    def take(self, event: Event, state: State) -> None:
        """Take in an event, and the state that it made."""
        if self._with_conditions:
            self._answers.take(event)
            self._take_conditions(event.seq, state)
        if event.subject not in (self._subject, self._verdict_subject):
            return
        if event.kind == ev.PLANNED:
            self._take_plan(event)
            return
        self._note(SLICE, event.seq, state.slices.value(self._subject))
        self._note(VERDICT, event.seq, state.slices.value(self._verdict_subject))

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the subject has been seen."""
        return not (self._known[SLICE] or self._manifests or SLICE in self._unknown)

    @property
    def is_not_taken(self) -> bool:
        """Whether the cluster refuses the subject's plan, as far as conditions are followed."""
        versions = self._known[CONDITIONS]
        return bool(versions) and _at(versions[-1].value, (APPLIED, "reason")) == FAILED

    def find(self, text: str) -> Found:
        """Return the value of the field that a text names, and where it last changed.

        Args:
            text: ``slice.<path>``, ``verdict.<path>``, ``conditions.<type>``, ``<Kind>.<path>``, or
                ``<manifest id>:<path>``, with the paths of `rynxs.problems.join_path`.

        Raises:
            NoSuchField: it names no field.
            UsageError: it names several, or one whose manifest or verdict is erased.
        """
        places: dict[tuple[str, _Steps], str] = {}
        known: set[str] = set()
        for holder, steps in self._fields():
            names = self._names(holder, steps)
            known.update(names)
            if text in names:
                places[holder, steps] = names[0]
        if not places:
            self.refuse_erased(text.partition(".")[0])
            raise NoSuchField(f"{self._subject} has no field {text!r}{_near(text, known)}")
        if len(places) > 1:
            raise UsageError(f"{text!r} is one of {', '.join(sorted(places.values()))}; name one")
        ((holder, steps), name), *_ = places.items()
        self.refuse_erased(holder)
        seq, value = _last_change(self._versions(holder), steps)
        return Found(name, value, seq)

    def refuse_erased(self, holder: str) -> None:
        """Refuse to speak of what is erased; of a slice it is said that it is not there.

        Raises:
            UsageError: the verdict, the conditions or the manifest of that id are.
        """
        if holder in self._unknown and holder != SLICE:
            raise UsageError(
                f"{holder} of {self._subject}: not known since record {self._unknown[holder]}, "
                "what it takes to know is redacted"
            )
        if holder in self._manifests:
            self._refuse_erased_manifest(holder)

    def _take_conditions(self, seq: int, state: State) -> None:
        found = conditions_in_force(state, self._subject)
        applied = self._answers.condition(state)
        if found is not None and applied is not None:
            found.append(applied)
        by_type = None if found is None else {each["type"]: each for each in found}
        self._note(CONDITIONS, seq, UNKNOWN if by_type is None else by_type)
        refusal = refusal_of(state, self._subject)
        if refusal is None:
            self.refused_since = None
        elif self.refused_since is None or self._is_refused_by_verdict != refusal.is_verdict:
            self.refused_since, self._is_refused_by_verdict = seq, refusal.is_verdict

    def _note(self, holder: str, seq: int, current: Mapping[str, Any] | Unknown | None) -> None:
        if isinstance(current, Unknown):
            self._unknown.setdefault(holder, seq)
        else:
            self._unknown.pop(holder, None)
        value = ABSENT if current is None or isinstance(current, Unknown) else current
        versions = self._known[holder]
        last = versions[-1].value if versions else ABSENT
        if not identical(_none(last), _none(value)):
            versions.append(Version(seq, value))

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
        return self._known[holder] if holder in self._known else self._manifests[holder]

    def _fields(self) -> Iterator[tuple[str, _Steps]]:
        for holder in (*self._known, *self._manifests):
            seen = {steps for version in self._versions(holder) for steps in _paths(version.value)}
            for steps in seen:
                yield holder, steps

    def _names(self, holder: str, steps: _Steps) -> tuple[str, ...]:
        """Return what names a field: the unambiguous name, and the short one if there is one."""
        path = join_path(steps)
        if holder in self._known:
            return (f"{holder}.{path}",)
        return f"{holder}:{path}", f"{self._kinds[holder]}.{path}"

    def _refuse_erased_manifest(self, identifier: str) -> None:
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
