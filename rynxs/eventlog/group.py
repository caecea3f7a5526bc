"""Group commit: threads that append at the same time share a batch.

On a medium where a batch costs the same whatever it holds (an fdatasync, a PUT), a batch a thread
is a waste. Here the first thread that comes waits as long as the sink's `Grouping` says for others,
appends for all of them, and wakes them. Nobody returns before what it brought is durable.
"""

from __future__ import annotations

from threading import Condition
from typing import TYPE_CHECKING

from rynxs.errors import RynxsError, SinkUnavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rynxs.eventlog.log import Entry, Log
    from rynxs.eventlog.sink import Grouping


class _Waiting:
    """What one thread brought, and what has become of it."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.size = sum(len(entry.payload) for entry in entries)
        self.first_seq: int | None = None
        self.error: RynxsError | None = None

    @property
    def is_settled(self) -> bool:
        return self.first_seq is not None or self.error is not None


class GroupCommit:
    """Appends to one log for many threads; while it is used, nobody else appends to that log."""

    def __init__(self, log: Log, grouping: Grouping, monotonic: Callable[[], float]) -> None:
        """Share appends to `log`.

        Args:
            log: open for appending.
            grouping: the sink's.
            monotonic: a clock in seconds, for the linger.
        """
        self._log = log
        self._most = grouping
        self._monotonic = monotonic
        self._changed = Condition()
        self._queue: list[_Waiting] = []  # guarded by _changed, as what follows
        self._has_leader = False
        self._failure: RynxsError | None = None

    def append(self, entries: Sequence[Entry]) -> int:
        """Make entries durable, next to each other and in order; return the first one's seq.

        Raises:
            UsageError: an entry does not fit the format; nothing of these was written.
            SinkConflict: another writer owns the position: stop.
            SinkUnavailable: not all of it is durable. What a group of threads brought can't be sent
                again as it was, so the log has to be opened anew.
        """
        if not entries:
            raise UsageError("a group commit takes at least one entry")
        mine = _Waiting(entries)
        with self._changed:
            self._queue.append(mine)
            self._changed.notify_all()
            while not mine.is_settled and self._has_leader:
                self._changed.wait()
            if not mine.is_settled:
                self._has_leader = True
        if not mine.is_settled:
            self._lead(mine)
        if mine.error is not None:
            raise mine.error
        assert mine.first_seq is not None
        return mine.first_seq

    def _lead(self, mine: _Waiting) -> None:
        """Append for all that wait, until one's own entries are settled; then let another lead."""
        try:
            while not mine.is_settled:
                self._settle(self._gather())
        finally:
            with self._changed:
                self._has_leader = False
                self._changed.notify_all()

    def _gather(self) -> list[_Waiting]:
        """Wait for company, and take from the queue what fits into a batch; at least one."""
        deadline = self._monotonic() + self._most.linger_s
        with self._changed:
            while self._fitting() == len(self._queue) and not self._is_full():
                left = deadline - self._monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            count = max(self._fitting(), 1)
            group, self._queue[:count] = self._queue[:count], []
            return group

    def _fitting(self) -> int:
        """Return how many of the queue, from its head, fit into one batch."""
        records = size = 0
        for count, waiting in enumerate(self._queue):
            records += len(waiting.entries)
            size += waiting.size
            if records > self._most.records or size > self._most.size:
                return count
        return len(self._queue)

    def _is_full(self) -> bool:
        return sum(len(waiting.entries) for waiting in self._queue) >= self._most.records

    def _settle(self, group: Sequence[_Waiting]) -> None:
        """Append a group's entries, and note for each of its threads what has come of them."""
        first_seq = self._log.size
        failure = self._failure
        if failure is None:
            try:
                self._log.append([entry for waiting in group for entry in waiting.entries])
            except UsageError as error:
                self._settle_apart(group, error)
                return
            except RynxsError as error:
                failure = self._failure = error
            except BaseException:
                failure = self._failure = SinkUnavailable("an append was interrupted")
                for waiting in group:
                    waiting.error = failure
                raise
        for waiting in group:
            if failure is not None:
                waiting.error = failure
            else:
                waiting.first_seq = first_seq
                first_seq += len(waiting.entries)

    def _settle_apart(self, group: Sequence[_Waiting], error: UsageError) -> None:
        """Append one by one, so that only the thread whose entries do not fit is told so."""
        if len(group) == 1:
            group[0].error = error
            return
        for waiting in group:
            self._settle([waiting])
