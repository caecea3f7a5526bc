"""Taking the lead of a log: all of it is read and verified, and the new epoch is durable.

Only then may anything be applied. It is called from a thread, for the sink may block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rynxs.embedded.reading import read_history
from rynxs.embedded.turn import retention_of
from rynxs.embedded.unfinished import finish_redactions, refuse_unsigned
from rynxs.engine.pipeline import Pipeline
from rynxs.errors import UsageError
from rynxs.eventlog.log import Log
from rynxs.operator.position import Positions

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.config import Config
    from rynxs.errors import PluginError
    from rynxs.eventlog.sink import Sink
    from rynxs.sources import Sources


class Known(NamedTuple):
    """What the cluster shows of the log's past.

    Attributes:
        seq: the highest that an object bears, -1 for none.
        epoch: the highest that an object bears, or that the Lease stands for.
    """

    seq: int
    epoch: int


class Lead(NamedTuple):
    """A log that this process leads.

    Attributes:
        sink, log, pipeline: of the log.
        positions: of its records.
    """

    sink: Sink
    log: Log
    pipeline: Pipeline
    positions: Positions


def take_over(
    config: Config,
    sources: Sources,
    known: Known,
    failed: Callable[[str, PluginError], None],
    accept_loss: str = "",
) -> Lead:
    """Open the configured log, verify it, and make this process's epoch durable.

    Args:
        config: of the log.
        sources: time, identity and entropy.
        known: what the cluster shows.
        failed: is told of subjects on which a plugin fails.
        accept_loss: why records that objects in the cluster bear are missing, if that is accepted;
            it is recorded.

    Raises:
        SinkError: the log can't be used, or belongs to another writer.
        LogCorrupt: it does not verify.
        UsageError: objects in the cluster come from records that it does not hold; or it is closed.
        CheckpointRefused: there is a redaction that none of the keys has signed for.
    """
    sink = config.open_writer(sources)
    try:
        return _lead(config, sources, known, failed, accept_loss, sink)
    except BaseException:
        sink.close()
        raise


def _lead(
    config: Config,
    sources: Sources,
    known: Known,
    failed: Callable[[str, PluginError], None],
    accept_loss: str,
    sink: Sink,
) -> Lead:
    keys = config.signers(sources)
    log, positions = Log.load(sink), Positions()
    pipeline = Pipeline(config.composition(), sources, config.origin, failed=failed)
    retired, holds = read_history(log, sink, pipeline, positions.read)
    retired.refuse(keys)
    refuse_unsigned(log, sink, keys)
    _refuse_loss(known, log.size, accept_loss)
    finish_redactions(log, sink, retention_of(config, sources, pipeline.state, holds))
    more = {"acceptedLoss": accept_loss, "lostTo": known.seq} if accept_loss else {}
    pipeline.take_lead(known.epoch, more)
    pipeline.record_incidents(sink.incidents())
    log.append(pipeline.take_entries(), positions.appended)
    return Lead(sink, log, pipeline, positions)


def _refuse_loss(known: Known, size: int, accept_loss: str) -> None:
    if known.seq >= size and not accept_loss:
        raise UsageError(
            f"an object in the cluster comes from record {known.seq}, and the log holds {size} "
            "records: it has lost some, or is another log of this name; restore it, or start with "
            "--accept-loss REASON, which is recorded"
        )
