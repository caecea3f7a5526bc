"""A warm standby's knowledge of the log: read and verified so far, and folded into a pipeline.

So whoever takes the lead has to read only what came since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.embedded.reading import History, read_news
from rynxs.engine.holds import Holds
from rynxs.engine.pipeline import Pipeline
from rynxs.eventlog.log import Log
from rynxs.eventlog.record import leaf_hash
from rynxs.eventlog.signing import Retired
from rynxs.operator.position import Positions

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.config import Config
    from rynxs.errors import PluginError
    from rynxs.eventlog.sink import Sink
    from rynxs.sources import Sources


class Follower:
    """What has been read of a log.

    Attributes:
        log, pipeline: as far as it was read.
        positions: of its records.
        history: what it says of itself.
    """

    def __init__(
        self,
        config: Config,
        sources: Sources,
        failed: Callable[[str, PluginError], None],
        sink: Sink,
    ) -> None:
        """Know nothing yet.

        Args:
            config: of the log.
            sources: time, identity and entropy.
            failed: is told of subjects on which a plugin fails.
            sink: the log's, open for reading at least.
        """
        self.log = Log.load(sink)
        self.pipeline = Pipeline(config.composition(), sources, config.origin, failed=failed)
        self.positions = Positions()
        self.history = History(Retired(sink), Holds())

    def catch_up(self) -> None:
        """Read, verify and fold what has come since.

        Raises:
            SinkError: the log can't be read; what was read before still counts.
            LogCorrupt: it does not verify.
        """
        read_news(self.log, self.history, self.pipeline, self.positions.read)

    def is_of(self, sink: Sink) -> bool:
        """Tell whether a sink holds what was read, at least; it may have been restored since."""
        size = self.log.size
        if sink.size() < size:
            return False
        last = next(iter(sink.read(size - 1, size)), None) if size else None
        return not size or (last is not None and leaf_hash(last.header) == self.log.tip.head)
