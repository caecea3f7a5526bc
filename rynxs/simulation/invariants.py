"""What has to be so whatever goes wrong, checked at each effect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.engine.event import EPOCH_STARTED, PLANNED, TAIL_QUARANTINED
from rynxs.errors import LogCorrupt, NondeterminismError, RynxsError
from rynxs.eventlog import canonical, note
from rynxs.eventlog.checkpoint import parse_text
from rynxs.eventlog.record import decode_header, leaf_hash
from rynxs.operator.stamp import Stamp, stamp_of
from rynxs.simulation.things import CONFIG_MAP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.eventlog.record import Record
    from rynxs.operator.process import Process
    from rynxs.simulation.machine import OsProcess
    from rynxs.simulation.objects import Objects
    from rynxs.simulation.world import World

_CHECKPOINT = re.compile(r"checkpoint|checkpoints/[0-9]{20}")
_NEVER = LogCorrupt, NondeterminismError
"""Errors that say that the record does not hold; with nothing damaged, nobody may meet one."""


class Known(NamedTuple):
    """A record.

    Attributes:
        leaf: its leaf hash.
        previous: that of the record before.
        kind, subject, epoch: of its header.
        plan: the payload of a ``Planned``.
    """

    leaf: bytes
    previous: bytes
    kind: str
    subject: str
    epoch: int
    plan: bytes | None

    def digests(self) -> Mapping[str, str]:
        """Return the digests of the manifests that it plans, by their ids."""
        plan = canonical.decode(self.plan or b"\xa0")
        return {each["id"]: each["digest"] for each in plan.get("manifests", ())}


class Invariants:
    """What is known to be durable, and the first promise that was broken.

    Attributes:
        broken: what was, empty if nothing.
        records: the durable records by seq.
        acknowledged: how many of them some append has acknowledged.
        roots: of the checkpoints by size.
        effects: how many writes of rendered objects have taken effect.
        late: how many of them made an object for an epoch that was over. Kubernetes takes no
            condition for that; whoever leads takes it away, or the world does not come to rest.
        is_damaged: whether what is stored was changed behind everybody's back.
        operators: the production processes that are alive, by the name of theirs.
    """

    def __init__(self, world: World, origin: str) -> None:
        """Know of nothing yet."""
        self.broken = ""
        self.records: dict[int, Known] = {}
        self.acknowledged = 0
        self.roots: dict[int, bytes] = {}
        self.effects = 0
        self.late = 0
        self.is_damaged = False
        self.operators: dict[str, Process] = {}
        self.objects: Objects | None = None
        self._world = world
        self._origin = origin
        self._epochs: dict[str, int] = {}
        self._newest: dict[str, int] = {}
        self._last_start = 0
        self._read: dict[int, Known] = {}

    def breaks(self, what: str) -> None:
        """Take in that a promise is broken; the first one counts."""
        self._world.say("invariants", what)
        self.broken = self.broken or what

    def started(self, process: OsProcess, operator: Process) -> None:
        """Take in that a replica works."""
        self.operators[process.name] = operator

    def ended(self, process: OsProcess, error: BaseException | None) -> None:
        """Take in why a replica has ended, None for in order."""
        self.operators.pop(process.name, None)
        said = "in order" if error is None else f"{type(error).__name__}: {error}"
        self._world.say(process.name, f"ended: {said}")
        is_corrupt = isinstance(error, _NEVER) and not self.is_damaged
        if is_corrupt or not isinstance(error, RynxsError | None):
            self.breaks(f"{process.name} has ended with {said}")

    def durable(
        self, process: OsProcess, start: int, records: Sequence[Record], *, is_acknowledged: bool
    ) -> None:
        """One history: no fork, no gap, and nothing acknowledged is replaced."""
        if is_acknowledged:
            self._take_as_set_aside(start, records)
            self._last_start = start
        for seq, record in enumerate(records, start):
            known = self.records.get(seq)
            if known is None:
                known = self.records[seq] = _known(record)
                self._world.say(process.name, f"record {seq}: {known.kind} {known.subject}")
                self._so_are_those_before(seq)
            if known.leaf != leaf_hash(record.header):
                self.breaks(f"{process.name} has another record {seq} than there was: a fork")
            if seq and seq - 1 not in self.records:
                self.breaks(f"{process.name} has record {seq}, and there is none before it")
            if is_acknowledged and known.kind == EPOCH_STARTED:
                self._epochs[process.name] = known.epoch
        if is_acknowledged:
            self.acknowledged = max(self.acknowledged, start + len(records))

    def may_set_aside(self, start: int) -> bool:
        """Tell whether no more lies behind a position than a last batch, which may have rotted."""
        return self.is_damaged and start >= self._last_start

    def read(self, seq: int, record: Record) -> None:
        """Take in what somebody has read who does not write: it may not be durable yet."""
        known = self.records.get(seq)
        if known is None or known.leaf != leaf_hash(record.header):
            self._read[seq] = _known(record)

    def published(self, process: OsProcess, name: str, data: bytes) -> None:
        """Checkpoints are consistent for ever, and of durable records only."""
        if not _CHECKPOINT.fullmatch(name):
            return
        body = parse_text(note.parse(data).text)
        if self.roots.setdefault(body.size, body.root) != body.root:
            self.breaks(f"{process.name} signs another root of {body.size} records")
        if body.size > self.acknowledged and body.size - 1 not in self.records:
            self.breaks(f"{process.name} signs {body.size} records, which are not all durable")

    def writes(self, who: str, verb: str, identifier: str, body: Mapping[str, Any]) -> None:
        """No effect before its plan is durable, and none of an older epoch after a newer one's."""
        assert self.objects is not None
        if not identifier.startswith(f"{CONFIG_MAP}/"):
            return  # a Lease, an Event, or the status of a Thing
        found = self.objects.get(identifier)
        written = self.objects.seen(identifier) if verb == "delete" else body
        stamp, epoch = stamp_of(written["metadata"]), self._epochs.get(who, 0)
        what = f"{who} of epoch {epoch}: {verb} {identifier}"
        if stamp is None or stamp.origin != self._origin:
            self.breaks(f"{what}, which does not bear the log's stamp")
            return
        self.effects += 1
        self._world.say(who, f"{verb} {identifier} of record {stamp.seq}")
        if verb == "delete":
            self._is_unplanned(what, identifier, stamp)
        else:
            self._is_planned(what, identifier, stamp, epoch)
        newest = self._newest.get(identifier, 0)
        if newest > epoch and found is None:
            self.late += 1
        elif newest > epoch:
            self.breaks(f"{what}, which epoch {newest} has written by now")
        self._newest[identifier] = max(newest, epoch)
        if EPOCH_STARTED not in {each.kind for each in self._of_epoch(epoch)}:
            self.breaks(f"{what}, and the epoch has not begun")

    def _take_as_set_aside(self, start: int, records: Sequence[Record]) -> None:
        """Forget a last batch that has rotted, if the one in its place says that it was set aside.

        With nothing written behind it, and no checkpoint of it, it looks like one that was torn.
        """
        if not self.may_set_aside(start):
            return
        told = [record for record in records if _known(record).kind == TAIL_QUARANTINED]
        if any(canonical.decode(record.payload or b"")["seq"] == start for record in told):
            self.records = {seq: known for seq, known in self.records.items() if seq < start}
            self.roots = {size: root for size, root in self.roots.items() if size <= start}
            self.acknowledged = min(self.acknowledged, start)

    def _so_are_those_before(self, seq: int) -> None:
        """Take in that what was read of the chain that ends in a durable record is durable."""
        while seq and seq - 1 not in self.records:
            before = self._read.get(seq - 1)
            if before is None or before.leaf != self.records[seq].previous:
                return
            seq -= 1
            self.records[seq] = before

    def _is_planned(self, what: str, identifier: str, stamp: Stamp, epoch: int) -> None:
        """The stamp names a durable plan that has just this manifest, and the writer's epoch."""
        plan = self.records.get(stamp.seq)
        if plan is None:
            self.breaks(f"{what}: record {stamp.seq} is not durable")
        elif (plan.kind, plan.subject) != (PLANNED, stamp.subject):
            self.breaks(f"{what}: record {stamp.seq} is {plan.kind} {plan.subject}")
        elif plan.digests().get(identifier) != stamp.digest:
            self.breaks(f"{what}: record {stamp.seq} plans another one")
        if stamp.epoch != epoch:
            self.breaks(f"{what}: its stamp is of epoch {stamp.epoch}")

    def _is_unplanned(self, what: str, identifier: str, stamp: Stamp) -> None:
        """A durable plan of the object's subject, no older than its own, has it no more."""
        plans = (
            known
            for seq, known in self.records.items()
            if seq >= stamp.seq and (known.kind, known.subject) == (PLANNED, stamp.subject)
        )
        if all(identifier in plan.digests() for plan in plans):
            self.breaks(f"{what}: no durable plan is without it")

    def _of_epoch(self, epoch: int) -> list[Known]:
        return [each for each in self.records.values() if each.epoch == epoch]


def _known(record: Record) -> Known:
    header = decode_header(record.header)
    leaf = leaf_hash(record.header)
    plan = record.payload if header.kind == PLANNED else None
    return Known(leaf, header.previous, header.kind, header.subject, header.epoch, plan)
