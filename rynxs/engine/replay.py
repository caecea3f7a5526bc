"""Replay: the state at a point of the log, and every recorded plan and verdict recomputed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.engine import diff, plan, shapes
from rynxs.engine import event as ev
from rynxs.engine.composition import missing
from rynxs.engine.state import State
from rynxs.errors import NondeterminismError, PluginError
from rynxs.eventlog import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rynxs.engine.composition import Composition
    from rynxs.engine.event import Event
    from rynxs.engine.plan import Manifest

    RecordedManifest = Callable[[str, str, int], Mapping[str, Any] | None]

_MADE = frozenset({ev.PLANNED, ev.JUDGED})
_SINCE_THE_PLAN_BEFORE = ("changed", "removed", "retained")


class Incomparable(NamedTuple):
    """Plans and verdicts that were made by plugins other than those at hand.

    Attributes:
        needs: what would be needed to compare them, as ``NAME==VERSION``.
        seqs: the ``Planned`` records.
        verdicts: the ``Judged`` records.
        composition: what made them, as the epoch recorded it.
    """

    needs: tuple[str, ...]
    seqs: list[int]
    verdicts: list[int]
    composition: dict[str, Any]


class Replay:
    """Folds a log from its first record, and compares plans and verdicts when told to.

    Attributes:
        state: the state after the events fed so far.
        compared: number of plans that recomputed to what was recorded.
        verdicts: number of verdicts that did.
        redacted: plans that could not be compared because something they need is erased, by seq.
        redacted_verdicts: the verdicts of which the same is true.
        erased: records whose payload is erased, by seq.
    """

    def __init__(self, composition: Composition) -> None:
        self._composition = composition
        self._incomparable: list[Incomparable] = []
        self._needs: tuple[str, ...] = ()
        self.state = State(composition)
        self.compared = 0
        self.verdicts = 0
        self.redacted: list[int] = []
        self.redacted_verdicts: list[int] = []
        self.erased: list[int] = []

    def feed(self, event: Event) -> None:
        """Take in the next event."""
        self.state.fold(event)
        if event.is_erased:
            self.erased.append(event.seq)
        if event.kind == ev.EPOCH_STARTED:
            self._needs = _needs(event.payload["composition"], self._composition.as_json())

    def check(self, event: Event, recorded_manifest: RecordedManifest) -> None:
        """Take in the next event; if it is a plan or a verdict, recompute it from the state before.

        Args:
            event: the next event.
            recorded_manifest: returns the manifest last recorded in full for a subject and a
                manifest id at or before a seq; asked only to explain a difference.

        Raises:
            NondeterminismError: the plan, or the verdict, differs from the recorded one.
        """
        if event.kind in _MADE and event.subject:
            if self._needs:
                self._note_incomparable(event)
            elif event.kind == ev.PLANNED:
                self._compare(event, recorded_manifest)
            else:
                self._compare_verdict(event)
        self.feed(event)

    def incomparable(self) -> list[Incomparable]:
        """Return the plans and verdicts that could not be compared, by what they need."""
        return self._incomparable

    def _note_incomparable(self, event: Event) -> None:
        recorded = self.state.composition or {}
        part = next((each for each in self._incomparable if each.composition == recorded), None)
        if part is None:
            part = Incomparable(self._needs, [], [], recorded)
            self._incomparable.append(part)
        (part.seqs if event.kind == ev.PLANNED else part.verdicts).append(event.seq)

    def _compare(self, event: Event, recorded_manifest: RecordedManifest) -> None:
        self._refuse_unjudged(event)
        manifests = None if event.is_erased else rendered(self.state, event.subject)
        if manifests is None:
            self.redacted.append(event.seq)
            return
        shapes.checked(shapes.Planned, event)
        recomputed = self.state.plan_payload(event.subject, manifests)
        before = self.state.plans.get(event.subject)
        if before is not None and before.is_erased:
            # What has changed since a plan that nobody knows is taken as it was recorded.
            recomputed |= {name: event.payload[name] for name in _SINCE_THE_PLAN_BEFORE}
            recorded = canonical.encode({name: event.payload[name] for name in recomputed})
        else:
            recorded = event.encoded
        if canonical.encode(recomputed) == recorded:
            self.compared += 1
            return
        fields = explain(event, manifests, recorded_manifest) or [
            str(change) for change in diff.differences(event.payload, recomputed)
        ]
        raise NondeterminismError(
            event.seq,
            event.subject,
            plan.digest_of(plan.Planned(event).entries.values()),
            plan.digest_of(recomputed["manifests"]),
            fields,
        )

    def _refuse_unjudged(self, event: Event) -> None:
        """Refuse a plan before which a verdict on its subject is due, and not recorded.

        A writer judges just before it plans, so that a verdict that was left out is told.

        Raises:
            NondeterminismError: there is such a verdict.
        """
        due = self._judgement(event)
        if due is None or self.state.slices.met_unknown:
            return
        last = self.state.slices.verdict(event.subject)
        changes = diff.differences({"verdict": last}, {"verdict": due["verdict"]})
        raise NondeterminismError(
            event.seq,
            event.subject,
            plan.digest_of_manifest({"verdict": last}),
            plan.digest_of_manifest({"verdict": due["verdict"]}),
            [f"a verdict is due before this plan: {change}" for change in changes],
        )

    def _compare_verdict(self, event: Event) -> None:
        recomputed = None if event.is_erased else self._judgement(event)
        if event.is_erased or self.state.slices.met_unknown:
            self.redacted_verdicts.append(event.seq)
            return
        if recomputed is not None and canonical.encode(recomputed) == event.encoded:
            self.verdicts += 1
            return
        last = self.state.slices.verdict(event.subject)
        verdict = last if recomputed is None else recomputed["verdict"]
        raise NondeterminismError(
            event.seq,
            event.subject,
            plan.digest_of_manifest(event.payload),
            plan.digest_of_manifest({**event.payload, "verdict": verdict}),
            [
                str(change)
                for change in diff.differences(
                    {"verdict": event.payload.get("verdict")}, {"verdict": verdict}
                )
            ],
        )

    def _judgement(self, event: Event) -> dict[str, Any] | None:
        try:
            return self.state.judgement(event.subject, event.cause or 0)
        except PluginError:
            if self.state.slices.met_unknown:
                return None
            raise


def _needs(recorded: Mapping[str, Any], at_hand: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what takes another composition than the one at hand; empty if it is just that one.

    One that has more would judge and plan otherwise, too; then it is all that was recorded.
    """
    if recorded == at_hand:
        return ()
    return tuple(missing(recorded, at_hand) or missing(recorded, {"reducers": [], "renderers": []}))


def rendered(state: State, subject: str) -> list[Manifest] | None:
    """Return what a subject asks for in a state, None if that takes something erased to know.

    Raises:
        PluginError: a renderer failed, on what is known.
    """
    try:
        manifests = state.manifests(subject)
    except PluginError:
        if state.slices.met_unknown:
            return None
        raise
    return None if state.slices.met_unknown else manifests


def explain(
    event: Event, manifests: Sequence[Manifest], recorded_manifest: RecordedManifest
) -> list[str]:
    """Return the fields in which the manifests of a recorded and a recomputed plan differ."""
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
