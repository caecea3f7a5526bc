"""Two moments of a log compared, and the events between them that made the difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.embedded.moment import asked_for
from rynxs.embedded.replay import LogReplay
from rynxs.engine import diff, history
from rynxs.engine import event as ev
from rynxs.engine.causes import Cause, cause_of
from rynxs.engine.conditions import conditions_in_force
from rynxs.engine.event import Event
from rynxs.engine.slices import Unknown
from rynxs.engine.timeline import SLICE, VERDICT
from rynxs.engine.verdict import bearer, verdict_subject
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import batched
from rynxs.eventlog.merkle import Frontier

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from rynxs.config import Config
    from rynxs.embedded.points import Point
    from rynxs.engine.diff import Change
    from rynxs.engine.state import State
    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Sink

_MADE = frozenset({ev.PLANNED, ev.JUDGED})


class SubjectDifference(NamedTuple):
    """What changed of one subject between two moments.

    Attributes:
        subject: the subject.
        current: what changed of its slice; one change of the whole if a side has none.
        verdict: what changed of the verdict on it, likewise.
        conditions: those in force at the second moment, None if nobody can tell any more.
        manifests: what changed of its manifests, by id.
        events: the events of the subject between the moments, and those that its plans and verdicts
            follow from.
    """

    subject: str
    current: list[Change]
    verdict: list[Change]
    conditions: list[dict[str, Any]] | None
    manifests: dict[str, list[Change]]
    events: list[Cause]


class Comparison:
    """Two moments of a log; run `fold` to the end, then ask for the `differences`."""

    def __init__(self, sink: Sink, config: Config, before: Point, after: Point) -> None:
        """`before` is not after `after`."""
        self._sink = sink
        self._points = before, after
        self._replays = tuple(LogReplay(sink, config, point.stop) for point in self._points)

    def fold(self) -> Iterator[Sequence[Record]]:
        """Recompute both states; yields each batch.

        Raises:
            LogCorrupt: a record does not hold.
            CheckpointRefused: the log at a point is not what the checkpoint that names it covers.
        """
        for point, replaying in zip(self._points, self._replays, strict=True):
            yield from replaying.fold()
            point.check(replaying.chain)

    def differences(self, wanted: Collection[str] | None = None) -> list[SubjectDifference]:
        """Return what changed, by subject; of the wanted ones only, if any are named."""
        before, after = (replaying.replay.state for replaying in self._replays)
        subjects = sorted(_known(before) | _known(after))
        if wanted is not None:
            subjects = [subject for subject in subjects if subject in wanted]
        was, now = (_manifests(state, self._sink, subjects) for state in (before, after))
        changed = {}
        for subject in subjects:
            slices = _differences(before, after, subject, SLICE)
            verdicts = _differences(before, after, verdict_subject(subject), VERDICT)
            manifests = _of_manifests(was.get(subject, {}), now.get(subject, {}))
            if slices or verdicts or manifests:
                changed[subject] = slices, verdicts, manifests
        events = self._events(changed)
        return [
            SubjectDifference(
                subject,
                slices,
                verdicts,
                conditions_in_force(after, subject),
                manifests,
                events[subject],
            )
            for subject, (slices, verdicts, manifests) in changed.items()
        ]

    def _events(self, subjects: Collection[str]) -> dict[str, list[Cause]]:
        """Return the events between the moments by the subject that they have changed."""
        found: dict[str, dict[int, Event]] = {subject: {} for subject in subjects}
        for event in self._between():
            subject = bearer(event.subject)
            if subject not in found:
                continue
            mine = found[subject]
            mine[event.seq] = event
            if event.kind in _MADE and event.cause is not None and event.cause not in mine:
                mine[event.cause] = history.event_at(self._sink, event.cause)
        return {
            subject: [cause_of(event) for _, event in sorted(mine.items())]
            for subject, mine in found.items()
        }

    def _between(self) -> Iterator[Event]:
        chain = self._replays[0].chain
        chain = Chain(chain.tip, Frontier(chain.size, chain.frontier.nodes()))
        for batch in batched(self._sink.read(chain.size, self._points[1].stop)):
            for header, record in zip(chain.verify(batch), batch, strict=True):
                yield Event.of_record(header, record)


def _known(state: State) -> set[str]:
    known = {*state.newest, *state.plans, *(subject for subject, _ in state.slices.encoded())}
    return set(map(bearer, known))


def _differences(before: State, after: State, subject: str, name: str) -> list[Change]:
    """Return what changed of a slice that is shown under a name."""
    old, new = (_plain(state, subject) for state in (before, after))
    return [
        change._replace(path=name if change.path == "." else f"{name}.{change.path}")
        for change in diff.differences(old, new)
    ]


def _plain(state: State, subject: str) -> Any:
    value = state.slices.value(subject)
    if isinstance(value, Unknown):
        return repr(value)
    return diff.ABSENT if value is None else dict(value)


def _manifests(state: State, sink: Sink, subjects: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return each subject's manifests by id; of one that is erased, the digest in its place."""
    return {
        subject: {
            asked.entry["id"]: f"(erased, SHA-256 {asked.entry['digest']})"
            if asked.body is None
            else asked.body
            for asked in listed
        }
        for subject, listed in asked_for(state, sink, subjects).items()
    }


def _of_manifests(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Change]]:
    found = {
        identifier: diff.differences(
            before.get(identifier, diff.ABSENT), after.get(identifier, diff.ABSENT)
        )
        for identifier in sorted(before.keys() | after.keys())
    }
    return {identifier: changes for identifier, changes in found.items() if changes}
