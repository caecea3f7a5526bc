"""Taking the lead of a log: all of it is read and verified, and the new epoch is durable.

Only then may anything be applied. It is called from a thread, for the sink may block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rynxs.embedded.turn import retention_of
from rynxs.embedded.unfinished import finish_redactions, refuse_unsigned
from rynxs.errors import UsageError
from rynxs.operator.follower import Follower
from rynxs.operator.stamp import SEQ

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rynxs.config import Config
    from rynxs.engine.pipeline import Pipeline
    from rynxs.errors import PluginError
    from rynxs.eventlog.log import Log
    from rynxs.eventlog.note import SigningKey
    from rynxs.eventlog.sink import Sink
    from rynxs.operator.position import Positions
    from rynxs.sources import Sources


class Known(NamedTuple):
    """What the cluster shows of the log's past.

    Attributes:
        seq: the highest that an object bears, -1 for none.
        epoch: the highest that an object bears, or that the Lease stands for.
        id: of an object that bears that seq.
    """

    seq: int
    epoch: int
    id: str = ""


class Lead(NamedTuple):
    """A log that this process leads.

    Attributes:
        sink, log, pipeline: of the log.
        positions: of its records.
        keys: that sign it.
        begun: the kinds of the records that the epoch begins with.
    """

    sink: Sink
    log: Log
    pipeline: Pipeline
    positions: Positions
    keys: Sequence[SigningKey]
    begun: Sequence[str] = ()


class Opened(NamedTuple):
    """A log that is open for writing, and was read to its end.

    Attributes:
        sink: its writer.
        read: what it holds.
    """

    sink: Sink
    read: Follower


def open_log(
    config: Config,
    sources: Sources,
    failed: Callable[[str, PluginError], None],
    follower: Follower | None = None,
) -> Opened:
    """Open the configured log for writing, and verify it.

    Args:
        config: of the log.
        sources: time, identity and entropy.
        failed: is told of subjects on which a plugin fails.
        follower: what was read of the log before, of no use to anybody else any more.

    Raises:
        SinkError: the log can't be used, or belongs to another writer.
        LogCorrupt: it does not verify.
    """
    sink = config.open_writer(sources)
    try:
        if follower is None or not follower.is_of(sink):
            follower = Follower(config, sources, failed, sink)
        follower.log.go_on_with(sink)
        follower.catch_up()
    except BaseException:
        sink.close()
        raise
    return Opened(sink, follower)


def take_lead(
    config: Config, sources: Sources, opened: Opened, known: Known, accept_loss: str = ""
) -> Lead:
    """Make this process's epoch durable; if that is not possible, the log is closed.

    Args:
        config: of the log.
        sources: time, identity and entropy.
        opened: the log.
        known: what the cluster shows.
        accept_loss: why records that objects in the cluster bear are missing, if that is accepted;
            it is recorded.

    Raises:
        SinkError: the log can't be used, or belongs to another writer.
        UsageError: objects in the cluster come from records that it does not hold; or it is closed.
        CheckpointRefused: there is a redaction that none of the keys has signed for.
    """
    try:
        return _lead(config, sources, opened, known, accept_loss)
    except BaseException:
        opened.sink.close()
        raise


def _lead(config: Config, sources: Sources, opened: Opened, known: Known, accept_loss: str) -> Lead:
    keys, (sink, read) = config.signers(sources), opened
    log, pipeline, (retired, holds) = read.log, read.pipeline, read.history
    retired.refuse(keys)
    refuse_unsigned(log, sink, keys)
    _refuse_loss(known, log.size, accept_loss)
    finish_redactions(log, sink, retention_of(config, sources, pipeline.state, holds))
    more = {"acceptedLoss": accept_loss, "lostTo": known.seq} if accept_loss else {}
    pipeline.take_lead(known.epoch, more)
    pipeline.record_incidents(sink.incidents())
    entries = pipeline.take_entries()
    log.append(entries, read.positions.appended)
    return Lead(sink, log, pipeline, read.positions, keys, [entry.kind for entry in entries])


def _refuse_loss(known: Known, size: int, accept_loss: str) -> None:
    if known.seq >= size and not accept_loss:
        raise UsageError(
            f"{known.id} in the cluster comes from record {known.seq}, and the log holds {size} "
            "records: it has lost some, or is another log of this name; restore it, or start with "
            "--accept-loss REASON, which is recorded; if somebody has forged that, remove the "
            f"object's annotation {SEQ}"
        )
