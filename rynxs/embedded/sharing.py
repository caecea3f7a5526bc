"""An audit that several processes share: each takes a stretch of the log at a time."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from typing import TYPE_CHECKING

from rynxs.config import load_config
from rynxs.errors import RynxsError
from rynxs.eventlog.redaction import KEPT_KINDS
from rynxs.eventlog.stretch import stretches, verify_stretch
from rynxs.plugins import PluginManager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence, Sized
    from pathlib import Path

    from rynxs.eventlog.audit import Audit
    from rynxs.eventlog.sink import Sink
    from rynxs.eventlog.stretch import Stretch

    Share = tuple[int, int, Sequence[int]]

_AHEAD = 2
"""Stretches that each of the others has before it, so that none waits for this process."""

_reader: Sink


def shared(audit: Audit, sink: Sink, reopen: Callable[[], Sink], others: int) -> Iterator[Sized]:
    """Verify a log as `Audit.batches` does, together with other processes; yields what is done.

    Args:
        audit: at the first record.
        sink: the log.
        reopen: opens the same log in another process; it can be pickled.
        others: how many other processes to start, at least one.

    Raises:
        What `Audit.batches` raises.
    """
    shares = [(start, stop, audit.cuts(start, stop)) for start, stop in stretches(sink.size())]
    context = multiprocessing.get_context("spawn")  # a copy of this process would share its files
    with ProcessPoolExecutor(others, context, _open, (reopen,)) as pool:
        try:
            for share, stretch in _verified(pool, sink, shares, others * _AHEAD):
                audit.join(stretch)
                yield range(*share[:2])
        finally:
            pool.shutdown(cancel_futures=True)
    yield from audit.batches()


def usable_processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


def open_reader(config_file: Path | None, log: str | None) -> Sink:
    """Open a log for reading, as the command line names it."""
    config = load_config(config_file, PluginManager())
    return (config if log is None else config.with_log(log)).open_reader()


def _verified(
    pool: ProcessPoolExecutor, sink: Sink, shares: Sequence[Share], ahead: int
) -> Iterator[tuple[Share, Stretch]]:
    """Yield the stretches in order; this process does one whenever the others have enough."""
    waiting = deque(shares)
    done: deque[tuple[Share, Future[Stretch | None]]] = deque()
    while waiting or done:
        while waiting and sum(not future.done() for _, future in done) < ahead:
            share = waiting.popleft()
            done.append((share, _submitted(pool, share)))
        if waiting:
            share = waiting.popleft()
            done.append((share, _ours(sink, share)))
        while done and (not waiting or done[0][1].done()):
            share, future = done.popleft()
            # What could not be verified is verified again here, where the error is as it is.
            yield share, _result(future) or verify_stretch(sink, *share, KEPT_KINDS)


def _submitted(pool: ProcessPoolExecutor, share: Share) -> Future[Stretch | None]:
    try:
        return pool.submit(_theirs, share)
    except BrokenExecutor:  # another process was killed
        return _unverified()


def _result(future: Future[Stretch | None]) -> Stretch | None:
    try:
        return future.result()
    except BrokenExecutor:
        return None


def _unverified() -> Future[Stretch | None]:
    future: Future[Stretch | None] = Future()
    future.set_result(None)
    return future


def _ours(sink: Sink, share: Share) -> Future[Stretch | None]:
    future: Future[Stretch | None] = Future()
    try:
        future.set_result(verify_stretch(sink, *share, KEPT_KINDS))
    except RynxsError:
        return _unverified()
    return future


def _open(reopen: Callable[[], Sink]) -> None:
    global _reader  # noqa: PLW0603 - one log a process, opened as it starts
    _reader = reopen()


def _theirs(share: Share) -> Stretch | None:
    try:
        return verify_stretch(_reader, *share, KEPT_KINDS)
    except RynxsError:
        return None
