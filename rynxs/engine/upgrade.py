"""What an upgrade would change: a log's plans recomputed by reducers and renderers of one's choice.

Versions do not count here. Every plan is recomputed from the state that these reducers make of the
log's first record on, and its manifests are compared with those recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rynxs.engine import event as ev
from rynxs.engine import plan, shapes
from rynxs.engine.replay import Replay, explain, rendered

if TYPE_CHECKING:
    from rynxs.engine.composition import Composition
    from rynxs.engine.event import Event
    from rynxs.engine.replay import RecordedManifest

DIFFERENCES_MAX = 20
"""So many plans that differ are told; then it is known that the upgrade changes something."""


class PlanDifference(NamedTuple):
    """A plan that would be another one.

    Attributes:
        seq: its ``Planned`` record; where none was recorded, the record that would lead to one.
        subject: whose plan it is.
        fields: what differs, as ``<manifest id>: <path>: <recorded> -> <recomputed>``.
    """

    seq: int
    subject: str
    fields: list[str]


class Upgrade(Replay):
    """Folds a log with other reducers and renderers than it was made with, and compares plans.

    Attributes:
        differences: the plans that would be others, at most `DIFFERENCES_MAX`.
    """

    def __init__(self, composition: Composition) -> None:
        super().__init__(composition)
        self.differences: list[PlanDifference] = []

    @property
    def is_full(self) -> bool:
        """Whether so much differs that there is no need to go on."""
        return len(self.differences) >= DIFFERENCES_MAX

    def check(self, event: Event, recorded_manifest: RecordedManifest) -> None:
        """Take in the next event; if it is a plan, recompute it and note whether it differs."""
        if event.kind == ev.PLANNED and event.subject:
            self.state.rejudge(event.subject, event.cause or 0)
            self._note(event, recorded_manifest)
        self.feed(event)

    def finish(self) -> None:
        """Note the plans that would be there at the end of the log, and are not."""
        left = {**self.state.affected, **self.state.unplanned}
        for subject, seq in sorted(left.items(), key=lambda item: item[::-1]):
            if self.is_full:
                return
            self.state.rejudge(subject, seq)
            manifests = rendered(self.state, subject)
            planned = self.state.plans.get(subject)
            if manifests is None or (planned is not None and planned.is_erased):
                continue
            recorded = planned.entries if planned else {}
            lines = self.state.plan_lines(subject, manifests)
            recomputed = {line["id"]: line for line in lines}
            if recorded == recomputed:
                continue
            fields = [
                f"{identifier}: {_verdict(recorded.get(identifier), recomputed.get(identifier))}"
                for identifier in sorted(recorded.keys() | recomputed.keys())
                if recorded.get(identifier) != recomputed.get(identifier)
            ]
            self.differences.append(PlanDifference(seq, subject, fields))

    def _note(self, event: Event, recorded_manifest: RecordedManifest) -> None:
        manifests = None if event.is_erased else rendered(self.state, event.subject)
        if manifests is None:
            self.redacted.append(event.seq)
            return
        shapes.checked(shapes.Planned, event)
        recorded = list(plan.Planned(event).entries.values())
        if recorded == self.state.plan_lines(event.subject, manifests):
            self.compared += 1
        elif not self.is_full:
            fields = explain(event, manifests, recorded_manifest)
            fields = fields or ["the order of the manifests differs"]
            self.differences.append(PlanDifference(event.seq, event.subject, fields))


def _verdict(recorded: object, recomputed: object) -> str:
    if recorded is None:
        return "recomputed only; no plan after this record asks for it"
    return "recorded only" if recomputed is None else "would be planned anew"
