"""Taking snapshots, and finding one that may be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rynxs.engine import event as ev
from rynxs.engine import history, shapes, snapshot
from rynxs.errors import LogCorrupt, SinkConflict, SinkUnavailable
from rynxs.eventlog import cbor
from rynxs.eventlog.chain import Chain, Tip
from rynxs.eventlog.log import FRONTIER
from rynxs.eventlog.merkle import HASH_SIZE, Frontier

if TYPE_CHECKING:
    from rynxs.engine.composition import Composition
    from rynxs.engine.pipeline import Pipeline
    from rynxs.engine.snapshot import Restored
    from rynxs.eventlog.log import Log
    from rynxs.eventlog.sink import Sink

_KEPT = 2


class Taken(NamedTuple):
    """A snapshot that was taken.

    Attributes:
        size: how many records it is of.
        digest: its SHA-256, lower-case hex.
        stored: its bytes.
    """

    size: int
    digest: str
    stored: int


def is_due(pipeline: Pipeline, every: int) -> bool:
    """Tell whether `every` records, if that is not 0, have come since the last snapshot."""
    state = pipeline.state
    return bool(every) and state.size - state.snapshot >= every


def take(pipeline: Pipeline, log: Log, sink: Sink) -> Taken:
    """Store a snapshot of the log as it is, record it, and remove those but the newest two.

    All that the pipeline has emitted must have been appended. A crash leaves a snapshot that no
    record vouches for, or one too many: neither is ever used.

    Raises:
        SinkError: the snapshot, or its record, can't be made durable.
    """
    pipeline.lead()
    log.append(pipeline.take_entries())
    taken = store(pipeline, log, sink)
    pipeline.record_snapshot(taken.size, taken.digest)
    log.append(pipeline.take_entries())
    prune(sink)
    return taken


def store(pipeline: Pipeline, log: Log, sink: Sink) -> Taken:
    """Store a snapshot of the log as it is; the very next record has to be of it.

    All that the pipeline has emitted must have been appended.

    Raises:
        SinkError: the snapshot can't be made durable.
    """
    data = pipeline.encoded_snapshot(_chain_of(log, sink))
    taken = Taken(log.size, snapshot.digest_of(data), len(data))
    sink.put(snapshot.object_name(taken.size), data)
    return taken


def prune(sink: Sink) -> None:
    """Remove all snapshots but the newest two."""
    for name in sorted(sink.list(snapshot.PREFIX))[:-_KEPT]:
        try:
            sink.delete(name)
        except SinkUnavailable:  # one too many does no harm, and the next one tries again
            break


def _chain_of(log: Log, sink: Sink) -> Chain:
    """Return the chain of a log, its tree's right edge read back from the cache that it keeps."""
    log.save()
    stored = sink.get(FRONTIER)
    try:
        data = stored.data if stored else b""
        _, size, head, epoch, time_us, nodes = cbor.loads(data[:-HASH_SIZE])
        chain = Chain(Tip(head, epoch, time_us), Frontier(size, nodes))
    except cbor.DECODE_ERRORS:
        chain = Chain()
    if chain.tip != log.tip or chain.frontier.root() != log.root():
        raise SinkConflict(f"{FRONTIER}: another writer has replaced it")
    return chain


def newest_usable(sink: Sink, composition: Composition, stop: int | None) -> Restored | None:
    """Return the newest snapshot of at most `stop` records that may be used, or None.

    It is used only if the record right after what it is of vouches for it, and is among those
    `stop` records, so that a checkpoint of them covers it; and if it was made with just these
    reducers and renderers. Whatever else there is counts for nothing.
    """
    size = sink.size() if stop is None else min(stop, sink.size())
    most = snapshot.object_name(size)
    for name in sorted(sink.list(snapshot.PREFIX), reverse=True):
        if name <= most:
            restored = _vouched_for(sink, name, composition, size)
            if restored is not None:
                return restored
    return None


def _vouched_for(sink: Sink, name: str, composition: Composition, size: int) -> Restored | None:
    stored = sink.get(name)
    digits = name.removeprefix(snapshot.PREFIX)
    if stored is None or not (digits.isascii() and digits.isdecimal()) or int(digits) >= size:
        return None
    covered = int(digits)
    try:
        header, event = history.record_at(sink, covered)
        if event.kind != ev.SNAPSHOT_TAKEN or event.subject or event.is_erased:
            return None
        taken = shapes.checked(shapes.SnapshotTaken, event)
    except LogCorrupt:  # the pass over the tail tells of it
        return None
    if taken.size != covered or taken.digest != snapshot.digest_of(stored.data):
        return None
    restored = snapshot.decode(stored.data, composition)
    if restored is None or restored.chain.size != covered:
        return None
    return restored if restored.chain.tip.head == header.previous else None
