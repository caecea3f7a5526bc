"""The contracts of reducers and renderers: pure, named, versioned; see docs/PLUGINS.md."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rynxs.engine.event import Event
    from rynxs.engine.resource import Resource


class View(Protocol):
    """Read-only access to all slices as they are at this point of the log."""

    def get(self, subject: str) -> Mapping[str, Any] | None:
        """Return the slice of a subject, or None."""

    def of_kind(self, group_kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield subject and slice of every object of a ``group/Kind``, sorted by subject."""

    def governed(self, subject: str) -> Mapping[str, Any] | None:
        """Return the slice of a subject as renderers get it; None if its verdict refuses it."""

    def verdict(self, subject: str) -> Mapping[str, Any] | None:
        """Return the verdict on a subject, None when nobody has judged it."""

    def total(self, holder: str) -> Mapping[str, int]:
        """Return, by unit, the sum of what all verdicts hold of a holder, such as a quota."""


class Occasion(NamedTuple):
    """What a subject is judged for.

    Attributes:
        seq: the record that made it necessary.
        is_planned: whether the subject's last plan asks for anything, so that refusing it takes
            away what is there.
    """

    seq: int
    is_planned: bool


class Reducer(ABC):
    """Folds the events of the kinds it owns into state, one slice a subject.

    Everything here is a function of its arguments: no clock, environment, file or random number,
    and no iteration over a set. Slices are maps of JSON values; what is passed in is never changed.

    Attributes:
        name: as in the configuration.
        version: changes whenever the result of `reduce` may; every subject is then replanned.
        decided_by: kinds of events of which the last one alone decides a slice: `reduce` then reads
            neither `current` nor `view`, and every other kind leaves the slice as it is. Replay
            need not reduce what a later event decides anew. Empty: every event counts.
        governs: each ``group/Kind`` of other reducers whose subjects this one judges.
        watches: the members of the status that it wants to see of rendered objects, by their
            ``apiVersion/Kind``; each change of them is recorded as ``StatusObserved``.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    decided_by: ClassVar[frozenset[str]] = frozenset()
    governs: ClassVar[frozenset[str]] = frozenset()
    watches: ClassVar[Mapping[str, Sequence[str]]] = {}

    @property
    @abstractmethod
    def resources(self) -> Sequence[Resource]:
        """The kinds this reducer owns: it sees every event of their subjects."""

    @abstractmethod
    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        """Return the subject's slice after an event; None when the subject is gone.

        Args:
            current: the subject's slice before the event, None when there is none.
            event: any event of the subject but ``Planned`` and ``Judged``.
            view: the other subjects' slices.
        """

    def dependents(self, subject: str, view: View) -> Iterable[str]:
        """Return the other subjects whose plan may change when this one's slice has changed.

        A governor is asked, too, when its verdict on a subject has changed. They are judged and
        planned in the order in which they are returned, each once.
        """
        return ()

    def reads(self, subject: str, current: Mapping[str, Any]) -> Iterable[str]:
        """Return the other subjects whose slice or verdict the plan of this one depends on."""
        return ()

    def judge(
        self,
        subject: str,
        current: Mapping[str, Any] | None,
        view: View,
        occasion: Occasion,
    ) -> Mapping[str, Any] | None:
        """Return the verdict on a subject of a kind that this reducer governs; None for no verdict.

        Asked before the subject is planned. A verdict that differs from the last one is recorded as
        ``Judged``. It is a map of

        - ``refused``: whether nothing is rendered for the subject,
        - ``conditions``: of the subject's status, each a map of type, status, reason and message,
        - ``patch``: a JSON merge patch (RFC 7396) for the slice that renderers get,
        - ``holds``: what the subject takes, as ``{holder: {unit: integer}}``; `View.total` sums it,

        and of whatever else the governor wants to find in it again.

        Args:
            subject: whom to judge.
            current: its slice, None when it is gone.
            view: all slices and verdicts, the last one on this subject included.
            occasion: what it is judged for.
        """
        return None

    def deadline(self, subject: str, current: Mapping[str, Any]) -> int | None:
        """Return the POSIX time in microseconds from which the subject is due, None for never.

        When it is reached, ``DeadlineReached`` is recorded, and reduced like any other event.
        """
        return None

    def status(
        self,
        subject: str,
        current: Mapping[str, Any],
        view: View,
        seen: Mapping[str, Mapping[str, Any]],
    ) -> Mapping[str, Any]:
        """Return what the object's status says, beside the conditions of a verdict on it.

        Args:
            subject: the object.
            current: its slice.
            view: all slices and verdicts.
            seen: the last status of its rendered objects, as far as it is watched, by manifest id.
        """
        return {"conditions": current.get("conditions", [])}


class Renderer(ABC):
    """Turns a subject's slice into the Kubernetes manifests it asks for; as pure as a reducer.

    Attributes:
        name: as in the configuration.
        version: changes whenever a result of it may; every subject is then replanned.
        revises: names of the renderers whose manifests it revises; they must be picked as well.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    revises: ClassVar[frozenset[str]] = frozenset()

    @property
    def kinds(self) -> Sequence[str]:
        """The ``apiVersion/Kind`` of each kind of manifest that it makes.

        An operator watches these, and needs rights to them; it takes no renderer without.
        """
        return ()

    @abstractmethod
    def render(
        self, subject: str, current: Mapping[str, Any], view: View
    ) -> Sequence[dict[str, Any]]:
        """Return manifests in the order to apply them; none for a subject it does not render.

        `current` is the governed slice; of a subject that a verdict refuses, none is rendered.
        """

    def revise(
        self,
        subject: str,
        current: Mapping[str, Any],
        view: View,
        manifests: Sequence[Mapping[str, Any]],
    ) -> Sequence[Mapping[str, Any]]:
        """Return what all renderers made of a subject, with what this one replaces or adds.

        Asked after every `render`, in the order of the renderers' names, each of what the one
        before it returned. What is passed in is never changed.
        """
        return manifests
