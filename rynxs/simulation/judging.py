"""What is found in the log of a world in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.embedded.replay import LogReplay
from rynxs.eventlog.audit import Audit
from rynxs.eventlog.merkle import Frontier
from rynxs.eventlog.record import leaf_hash
from rynxs.simulation.replica import Key

if TYPE_CHECKING:
    from rynxs.eventlog.sink import Sink
    from rynxs.operator.takeover import Lead
    from rynxs.simulation.invariants import Invariants
    from rynxs.simulation.replica import SimulatedConfig


def verify(sink: Sink, invariants: Invariants) -> None:
    """One history, which holds, of all that was durable, under all checkpoints there ever were.

    Args:
        sink: the log.
        invariants: know what was durable and signed, and are told what is not so.

    Raises:
        RynxsError: the log does not hold.
    """
    audit, frontier, seq = Audit(sink, [Key()]), Frontier(), 0
    known, roots = invariants.records, invariants.roots
    for batch in audit.batches():
        for record in batch:
            leaf = leaf_hash(record.header)
            if seq in known and known[seq].leaf != leaf:
                invariants.breaks(f"record {seq} is another one than was acknowledged")
            frontier.extend([leaf])
            seq += 1
            if seq in roots and frontier.root() != roots[seq]:
                invariants.breaks(f"the checkpoint of {seq} records has another root")
    if seq < len(known) and not _is_set_aside(sink, seq, invariants):
        invariants.breaks(f"the log ends at {seq}, and there were {len(known)} records")


def _is_set_aside(sink: Sink, size: int, invariants: Invariants) -> bool:
    """Tell whether a log ends before a batch that has rotted, which nobody has replaced yet.

    Objects that the cluster has of it let no replica lead, so that somebody looks at it.
    """
    return invariants.may_set_aside(size) and any(each.seq == size for each in sink.incidents())


def replay(sink: Sink, config: SimulatedConfig, lead: Lead, invariants: Invariants) -> None:
    """Replay makes every plan again, and the state of whoever leads.

    Args:
        sink: the log.
        config: with the composition.
        lead: the log, as the leader has it.
        invariants: are told what is not so.

    Raises:
        RynxsError: a plan is another one than was recorded.
    """
    again = LogReplay(sink, config, None)
    for _ in again.check():
        pass
    if again.replay.state.digest() != lead.pipeline.state.digest():
        invariants.breaks("replay makes another state than the leader has")
