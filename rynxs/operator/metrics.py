"""What the operator measures of itself, for Prometheus; docs/OBSERVABILITY.md says what it means.

No label bears a name from the cluster: its values are known at the start, any other is "other".
"""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING, Final

from rynxs import __version__
from rynxs.engine import event as ev
from rynxs.operator.exposition import Exposition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_EVENT_KINDS: Final = frozenset(
    {
        *(ev.EPOCH_STARTED, ev.TAIL_QUARANTINED, ev.PLANNED, ev.JUDGED, ev.STATUS_OBSERVED),
        *(ev.DEADLINE_REACHED, ev.APPLIED, ev.APPLY_FAILED, ev.DRIFT_OBSERVED, ev.SNAPSHOT_TAKEN),
        *(ev.CARRIED, ev.LOG_CLOSED, ev.REDACTED, ev.HOLD_PLACED, ev.HOLD_RELEASED),
    }
)
_ACTIONS: Final = frozenset({"create", "update", "delete"})
_RESULTS: Final = frozenset({"ok", "conflict", "failed"})
_FENCES: Final = frozenset({"lease", "log"})


class Metrics:
    """All metrics of one process. Its methods may be called from any thread, and are cheap."""

    def __init__(self, kinds: Iterable[str], followed: Iterable[str]) -> None:
        """Have counted nothing; nothing is led, and no watch is well.

        Args:
            kinds: of the reducers' resources, such as ``Agent``.
            followed: what is watched, each ``apiVersion/Kind``.
        """
        shown = self._shown = Exposition()
        shown.info("rynxs_build", "The version of rynxs.", {"version": __version__})
        self._append_s = shown.duration(
            "rynxs_append_duration_seconds", "Time to make one batch of events durable."
        )
        self._append_failures = shown.counter(
            "rynxs_append_failures_total", "Attempts to append a batch that failed."
        )
        observations = {named for kind in kinds for named in (ev.observed(kind), ev.deleted(kind))}
        self._events = shown.counters(
            "rynxs_events_total",
            "Events that this process has made durable.",
            kind=_EVENT_KINDS | observations,
        )
        self._records = shown.gauge("rynxs_log_records", "Records that the log is known to hold.")
        self._verified = shown.gauge(
            "rynxs_verified_records", "Records of the log that this process has read and verified."
        )
        self._plan_s = shown.duration(
            "rynxs_plan_duration_seconds", "Time to reduce and plan one batch of events."
        )
        self._plans = shown.counter("rynxs_plans_total", "Plans that were made.")
        self._applies = shown.counters(
            "rynxs_applies_total",
            "Writes of rendered objects.",
            action=_ACTIONS,
            result=_RESULTS,
        )
        self._status_writes = shown.counters(
            "rynxs_status_writes_total", "Writes of the status of users' objects.", result=_RESULTS
        )
        self._drifts = shown.counter("rynxs_drifts_total", "Rendered objects that others changed.")
        self._plugin_failures = shown.counter(
            "rynxs_plugin_failures_total", "Failures of a plugin on a subject."
        )
        self._degraded = shown.gauge(
            "rynxs_degraded_subjects", "Subjects on which a plugin fails at present."
        )
        self._fenced = shown.counters(
            "rynxs_fenced_writes_total", "Writes refused, as another process may lead.", by=_FENCES
        )
        self._leader = shown.gauge("rynxs_leader", "1 while this process leads, else 0.")
        self._epoch = shown.gauge("rynxs_epoch", "Epoch that this process has begun, 0 for none.")
        self._takeover_s = shown.gauge(
            "rynxs_takeover_duration_seconds", "How long this process took to take over the log."
        )
        self._replayed = shown.gauge(
            "rynxs_replayed_records", "Records that this process replayed to take over the log."
        )
        self._signed = shown.gauge(
            "rynxs_checkpoint_records", "Records that the last checkpoint covers."
        )
        self._signed_at_s = shown.gauge(
            "rynxs_checkpoint_timestamp_seconds",
            "Unix time at which this process last signed a checkpoint, 0 for never.",
        )
        watched = frozenset(followed)
        self._watch_up = shown.gauges(
            "rynxs_watch_up", "1 while a kind is followed everywhere, else 0.", kind=watched
        )
        self._watch_errors = shown.counters(
            "rynxs_watch_errors_total", "Failed lists and watches of a kind.", kind=watched
        )
        self._queue = shown.gauge("rynxs_queue_depth", "What has happened and is not recorded yet.")
        self._queue_age_s = shown.gauge(
            "rynxs_queue_oldest_age_seconds", "How long the oldest of the queue has waited."
        )
        self._failing: set[tuple[str, str]] = set()
        self._watches = Lock()

    def appended(self, kinds: Iterable[str], took_s: float, size: int) -> None:
        """A batch has become durable.

        Args:
            kinds: of its events, one for each.
            took_s: how long that took, attempts that failed included.
            size: how many records the log holds now.
        """
        self._append_s.observe(took_s)
        self._count(kinds)
        self._records.set(size)

    def _count(self, kinds: Iterable[str]) -> None:
        for kind, count in Counter(kinds).items():
            self._events.at(kind).inc(count)

    def append_failed(self) -> None:
        """An attempt to append a batch has failed; it will be tried again."""
        self._append_failures.inc()

    def planned(self, took_s: float, count: int) -> None:
        """A batch was reduced, which took `took_s`, and `count` plans came of it."""
        self._plan_s.observe(took_s)
        self._plans.inc(count)

    def wrote(self, action: str, result: str) -> None:
        """A rendered object was written to the cluster, or not.

        Args:
            action: ``create``, ``update`` or ``delete``.
            result: ``ok``; ``conflict``, the object had changed; ``failed``, anything else.
        """
        self._applies.at(action, result).inc()

    def status_written(self, result: str) -> None:
        """The status of a user's object was written, or not; results as of `wrote`."""
        self._status_writes.at(result).inc()

    def drifted(self) -> None:
        """A rendered object was found to be changed by others."""
        self._drifts.inc()

    def plugin_failed(self) -> None:
        """A plugin has failed on a subject."""
        self._plugin_failures.inc()

    def degraded(self, count: int) -> None:
        """On so many subjects a plugin fails at present."""
        self._degraded.set(count)

    def fenced(self, by: str) -> None:
        """A write was refused because somebody else leads, or may.

        Args:
            by: ``lease``, it was not renewed in time; ``log``, another writer has its next record.
        """
        self._fenced.at(by).inc()

    def took_over(self, records: int, took_s: float, epoch: int, kinds: Sequence[str]) -> None:
        """The log was taken over.

        Args:
            records: how many were read, verified and replayed.
            took_s: how long that took, until the new epoch was durable.
            epoch: the new one.
            kinds: of the events that it was begun with, one for each.
        """
        self._count(kinds)
        self._replayed.set(records)
        self._takeover_s.set(took_s)
        self._epoch.set(epoch)
        self.followed(records)
        self._records.set(records + len(kinds))
        self._plans.inc(kinds.count(ev.PLANNED))

    def led(self) -> None:
        """This process leads from now on."""
        self._leader.set(1)

    def stood_by(self) -> None:
        """This process does not lead, or no longer."""
        self._leader.set(0)

    def followed(self, size: int) -> None:
        """The log was read and verified up to its `size`-th record."""
        self._records.set(size)
        self._verified.set(size)

    def checkpoint_signed(self, size: int, time_s: float) -> None:
        """A checkpoint of the first `size` records was signed, at a Unix time in seconds."""
        self._signed.set(size)
        self._signed_at_s.set(time_s)

    def watch_well(self, kind: str, namespace: str = "") -> None:
        """A kind (``apiVersion/Kind``) is followed in a namespace, or in all."""
        with self._watches:
            self._failing.discard((kind, namespace))
            is_well = not any(failing == kind for failing, _ in self._failing)
            self._watch_up.at(kind).set(is_well)

    def watch_failed(self, kind: str, namespace: str = "") -> None:
        """A kind can't be listed or watched in a namespace, or in all; that is tried again."""
        with self._watches:
            self._failing.add((kind, namespace))
            self._watch_up.at(kind).set(0)
        self._watch_errors.at(kind).inc()

    def queue(self, depth: Callable[[], int], oldest_s: Callable[[], float]) -> None:
        """Ask about the queue whenever metrics are read.

        Args:
            depth: how many wait.
            oldest_s: for how long the oldest has; 0 if none waits.
        """
        self._queue.set_function(depth)
        self._queue_age_s.set_function(oldest_s)

    def text(self) -> tuple[bytes, str]:
        """Return all metrics as text, and its media type."""
        return self._shown.text()
