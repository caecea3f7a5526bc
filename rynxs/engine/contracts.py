"""The contracts of reducers and renderers: pure, named, versioned; see docs/PLUGINS.md."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

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
    """

    name: ClassVar[str]
    version: ClassVar[str]
    decided_by: ClassVar[frozenset[str]] = frozenset()

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
            event: any event of the subject but ``Planned``.
            view: the other subjects' slices.
        """

    def dependents(self, subject: str, view: View) -> Iterable[str]:
        """Return the other subjects whose plan may change when this one's slice has changed."""
        return ()


class Renderer(ABC):
    """Turns a subject's slice into the Kubernetes manifests it asks for; as pure as a reducer.

    Attributes:
        name: as in the configuration.
        version: changes whenever the result of `render` may; every subject is then replanned.
    """

    name: ClassVar[str]
    version: ClassVar[str]

    @abstractmethod
    def render(
        self, subject: str, current: Mapping[str, Any], view: View
    ) -> Sequence[dict[str, Any]]:
        """Return manifests in the order to apply them; none for a subject it does not render."""
