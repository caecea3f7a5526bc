"""Replay: the state at a point of the log, and every recorded plan recomputed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.engine import diff, plan, shapes
from rynxs.engine import event as ev
from rynxs.engine.composition import missing
from rynxs.engine.state import State
from rynxs.errors import NondeterminismError
from rynxs.eventlog import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rynxs.engine.composition import Composition
    from rynxs.engine.event import Event
    from rynxs.engine.plan import Manifest

    RecordedManifest = Callable[[str, str, int], Mapping[str, Any] | None]


class Incomparable(NamedTuple):
    """Plans that were made by plugins other than those at hand.

    Attributes:
        needs: what would be needed to compare them, as ``NAME==VERSION``.
        seqs: their ``Planned`` records.
        composition: what made them, as the epoch recorded it.
    """

    needs: tuple[str, ...]
    seqs: list[int]
    composition: dict[str, Any]


class Replay:
    """Folds a log from its first record, and compares plans when told to.

    Attributes:
        state: the state after the events fed so far.
        compared: number of plans that recomputed to what was recorded.
    """

    def __init__(self, composition: Composition) -> None:
        self._composition = composition
        self._incomparable: list[Incomparable] = []
        self._needs: tuple[str, ...] = ()
        self.state = State(composition)
        self.compared = 0

    def feed(self, event: Event) -> None:
        """Take in the next event."""
        self.state.fold(event)
        if event.kind == ev.EPOCH_STARTED:
            self._needs = tuple(missing(event.payload["composition"], self._composition.as_json()))

    def check(self, event: Event, recorded_manifest: RecordedManifest) -> None:
        """Take in the next event; if it is a plan, recompute it from the state before it.

        Args:
            event: the next event.
            recorded_manifest: returns the manifest last recorded in full for a subject and a
                manifest id at or before a seq; asked only to explain a difference.

        Raises:
            NondeterminismError: the plan differs from the recorded one.
        """
        if event.kind == ev.PLANNED and event.subject:
            if self._needs:
                self._note_incomparable(event.seq)
            else:
                self._compare(event, recorded_manifest)
        self.feed(event)

    def incomparable(self) -> list[Incomparable]:
        """Return the plans that could not be compared, by what they need."""
        return self._incomparable

    def _note_incomparable(self, seq: int) -> None:
        recorded = self.state.composition or {}
        for part in self._incomparable:
            if part.composition == recorded:
                part.seqs.append(seq)
                return
        self._incomparable.append(Incomparable(self._needs, [seq], recorded))

    def _compare(self, event: Event, recorded_manifest: RecordedManifest) -> None:
        shapes.checked(shapes.Planned, event)
        manifests = self.state.manifests(event.subject)
        recomputed = self.state.plan_payload(event.subject, manifests)
        if canonical.encode(recomputed) == event.encoded:
            self.compared += 1
            return
        fields = _explain(event, manifests, recorded_manifest) or [
            str(change) for change in diff.differences(event.payload, recomputed)
        ]
        raise NondeterminismError(
            event.seq,
            event.subject,
            plan.digest_of(plan.Planned(event).entries.values()),
            plan.digest_of(recomputed["manifests"]),
            fields,
        )


def _explain(
    event: Event, manifests: Sequence[Manifest], recorded_manifest: RecordedManifest
) -> list[str]:
    """Return the fields in which a recorded and a recomputed plan differ."""
    recorded = plan.Planned(event).entries
    recomputed = {manifest.id: manifest for manifest in manifests}
    fields = [
        f"{identifier}: recorded only" for identifier in recorded if identifier not in recomputed
    ]
    for identifier, manifest in recomputed.items():
        if identifier not in recorded:
            fields.append(f"{identifier}: recomputed only")
        elif recorded[identifier] != manifest.entry():
            before = recorded_manifest(event.subject, identifier, event.seq)
            changes = diff.differences(before, manifest.body)
            fields += [f"{identifier}: {change}" for change in changes]
    return fields
