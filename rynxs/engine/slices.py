"""Slices: the reducers' state by subject, each made when somebody reads it.

Most observations are followed by the next one before anybody has asked what the first one made, so
a slice may be put down as what it would be made from (`Deferred`). A slice is *unknown* when what
it would be made from has been erased.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from rynxs.engine.verdict import KIND_SUFFIX, merged, verdict_subject
from rynxs.errors import LogCorrupt, ValueRefused
from rynxs.eventlog import canonical, cbor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MAP_OF_ONE = b"\xa1"
_NULL = b"\xf6"


class Unknown:
    """The type of `UNKNOWN`."""

    def __repr__(self) -> str:
        return "(unknown)"


UNKNOWN: Final = Unknown()
"""Stands for a slice of which nobody can tell any more what it was."""


class Deferred(ABC):
    """What a slice can be made from."""

    __slots__ = ()

    @abstractmethod
    def value(self) -> Mapping[str, Any] | Unknown | None:
        """Return the slice, the same object at every call."""


class Stored(Deferred):
    """A slice as a snapshot holds it; decoded once somebody reads it."""

    __slots__ = ("_seq", "_value", "encoded")

    def __init__(self, encoded: bytes, seq: int) -> None:
        """`encoded` is the slice in deterministic CBOR, `seq` the record that vouches for it."""
        self.encoded = encoded
        self._seq = seq
        self._value: dict[str, Any] | None = None

    def value(self) -> Mapping[str, Any]:
        """Return the slice.

        Raises:
            LogCorrupt: it was no slice that was stored.
        """
        if self._value is None:
            try:
                self._value = canonical.decode(self.encoded)
            except ValueRefused as error:
                raise LogCorrupt(self._seq, f"vouches for a snapshot, of which {error}") from None
        return self._value


Held: TypeAlias = "Mapping[str, Any] | Deferred | Unknown | None"
"""What is held for a subject: a slice, or what it can be made from."""


class Slices:
    """All slices, by subject; what reducers and renderers get as their `View`.

    Attributes:
        met_unknown: whether an unknown slice was asked for since this was last set to False. To who
            asked it looked as if there were none, so what was made of that is unknown as well.
    """

    def __init__(self) -> None:
        self._by_kind: dict[str, dict[str, Held]] = {}
        self._sums: dict[str, dict[str, int]] = {}
        self._unknown_verdicts = 0
        self._recounted: set[str] = set()
        self.met_unknown = False

    def get(self, subject: str) -> Mapping[str, Any] | None:
        """Return the slice of a subject, None also for one that is unknown."""
        value = self.value(subject)
        if isinstance(value, Unknown):
            self.met_unknown = True
            return None
        return value

    def of_kind(self, group_kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield subject and slice of every object of a ``group/Kind``, sorted by subject."""
        for subject in sorted(self._by_kind.get(group_kind, ())):
            current = self.get(subject)
            if current is not None:
                yield subject, current

    def governed(self, subject: str) -> Mapping[str, Any] | None:
        """Return the slice of a subject as its verdict lets it be, None if that refuses it."""
        current, verdict = self.get(subject), self.verdict(subject)
        if current is None or verdict is None:
            return current
        if verdict["refused"]:
            return None
        return merged(current, verdict["patch"]) if verdict["patch"] else current

    def verdict(self, subject: str) -> Mapping[str, Any] | None:
        """Return the verdict on a subject, None also for one that is unknown."""
        if not self._by_kind.get(_kind_part(subject) + KIND_SUFFIX):
            return None
        return self.get(verdict_subject(subject))

    def total(self, holder: str) -> Mapping[str, int]:
        """Return, by unit, the sum of what all verdicts hold of a holder."""
        self.met_unknown = self.met_unknown or bool(self._unknown_verdicts)
        return dict(self._sums.get(holder, {}))

    def put_verdict(self, subject: str, verdict: Mapping[str, Any] | Unknown | None) -> None:
        """Replace the verdict on a subject; None removes it."""
        place = verdict_subject(subject)
        before = self.value(place)
        self.put(place, verdict)
        if _held_by(before) != _held_by(verdict):
            self._count(before, -1)
            self._count(verdict, 1)

    def take_recounted(self) -> set[str]:
        """Return the holders of which verdicts came to hold more or less since this was asked."""
        found, self._recounted = self._recounted, set()
        return found

    def count_verdicts(self) -> None:
        """Sum up what the verdicts hold, after slices were put down from elsewhere."""
        self._sums, self._unknown_verdicts = {}, 0
        for kind in sorted(self._by_kind):
            if kind.endswith(KIND_SUFFIX):
                for subject in sorted(self._by_kind[kind]):
                    self._count(self.value(subject), 1)

    def value(self, subject: str) -> Mapping[str, Any] | Unknown | None:
        """Return the slice of a subject, None when it has none."""
        held = self.held(subject)
        return held.value() if isinstance(held, Deferred) else held

    def held(self, subject: str) -> Held:
        """Return what is held for a subject, a slice or what it can be made from."""
        return self._by_kind.get(_kind_part(subject), {}).get(subject)

    def put(self, subject: str, current: Held) -> None:
        """Replace a slice; None removes it."""
        kind = self._by_kind.setdefault(_kind_part(subject), {})
        if current is None:
            kind.pop(subject, None)
        else:
            kind[subject] = current

    def of(self, group_kind: str) -> dict[str, Held]:
        """Return the map that holds what belongs to a ``group/Kind``; to be written to as well."""
        return self._by_kind.setdefault(group_kind, {})

    def items(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Return all subjects and slices but the unknown ones, sorted by subject."""
        found = ((subject, self.value(subject)) for subject in self._subjects())
        return [
            (subject, value)
            for subject, value in found
            if value is not None and not isinstance(value, Unknown)
        ]

    def unknown(self) -> list[str]:
        """Return the subjects whose slice is unknown, sorted."""
        return [each for each in self._subjects() if isinstance(self.value(each), Unknown)]

    def encoded(self) -> Iterator[tuple[str, bytes]]:
        """Yield each subject, sorted, and its slice in deterministic CBOR, null if it is unknown.

        Raises:
            ValueRefused: a slice holds what JSON can't.
        """
        for subject in self._subjects():
            held = self.held(subject)
            if isinstance(held, Stored):
                yield subject, held.encoded
                continue
            value = self.value(subject)
            if isinstance(value, Unknown):
                yield subject, _NULL
            elif value is not None:
                yield subject, canonical.encode(dict(value))

    def parts(self) -> Iterator[bytes]:
        """Yield ``{subject: slice}`` of every subject, sorted, in deterministic CBOR."""
        for subject, encoded in self.encoded():
            yield _MAP_OF_ONE + cbor.dumps(subject) + encoded

    def _count(self, verdict: Mapping[str, Any] | Unknown | None, sign: int) -> None:
        if isinstance(verdict, Unknown):
            self._unknown_verdicts += sign
            return
        for holder, amounts in (verdict or {}).get("holds", {}).items():
            self._recounted.add(holder)
            sums = self._sums.setdefault(holder, {})
            for unit, amount in amounts.items():
                sums[unit] = sums.get(unit, 0) + sign * amount
                if not sums[unit]:
                    sums.pop(unit)
            if not sums:
                self._sums.pop(holder)

    def _subjects(self) -> list[str]:
        return sorted(subject for kind in self._by_kind.values() for subject in kind)


def _held_by(verdict: Mapping[str, Any] | Unknown | None) -> Any:
    """Return what a verdict holds of whom, or that this is unknown."""
    return verdict if isinstance(verdict, Unknown) else (verdict or {}).get("holds", {})


def identical(before: object, after: object) -> bool:
    """Tell whether two slices encode alike; Python's own equality takes True for 1."""
    if before is after:
        return True
    if not (_is_slice(before) and _is_slice(after)):
        return False
    return before == after and canonical.encode(dict(before)) == canonical.encode(dict(after))  # type: ignore[call-overload]


def _is_slice(value: object) -> bool:
    return value is not None and not isinstance(value, Unknown)


def _kind_part(subject: str) -> str:
    group, kind, _ = subject.split("/", 2)
    return f"{group}/{kind}"
