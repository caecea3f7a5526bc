"""Kubernetes Events: what a person should see of an object, with `kubectl describe`.

They are for people and may be lost; the log is the record. They say nothing of what a spec holds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from rynxs.engine.applied import APPLYING
from rynxs.engine.subject import Subject
from rynxs.operator.cluster import ClusterError
from rynxs.operator.troubles import DEGRADED
from rynxs.sources import format_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs.operator.cluster import Reported
    from rynxs.operator.objects import Held
    from rynxs.sources import Clock

_log = structlog.get_logger("rynxs.operator.notices")
NORMAL = "Normal"
WARNING = "Warning"
_WAITING_MAX = 1_000
_NOTE_MAX = 1_000
_REASON_MAX = 128
_NAME_MAX = 200
_BAD = frozenset({"False", "Unknown"})


class Notice(NamedTuple):
    """What is to be told.

    Attributes:
        about: the object.
        is_warning: whether somebody should do something about it.
        reason: in one word, in CamelCase.
        note: in a sentence.
    """

    about: Held
    is_warning: bool
    reason: str
    note: str


def notices_of(about: Held, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Notice]:
    """Return what is worth telling of a status that has changed: conditions that are news.

    Args:
        about: the object.
        before: its status, as it was.
        after: its status, as it is.
    """
    known = {each.get("type"): each for each in before.get("conditions") or ()}
    found = []
    for each in after.get("conditions") or ():
        last = known.get(each["type"])
        if last is not None and (last["status"], last["reason"]) == _what(each):
            continue
        is_bad = each["type"] == DEGRADED or each["status"] in _BAD
        was_quiet = last is None or last["reason"] == APPLYING
        if each["reason"] == APPLYING or (was_quiet and not is_bad):
            continue
        note = (
            f"{each['type']} is {each['status']}: see the message of this condition "
            f"in the object's status{_commands(about, each['type'], after.get('log'))}"
        )
        found.append(Notice(about, is_bad, each["reason"], note))
    return found


def _commands(about: Held, kind: str, position: Mapping[str, Any] | None) -> str:
    """Return which commands tell more of a condition: what a plugin raised is in no log."""
    if position is None:
        return ""
    group, _, of_kind = about.place.kind.split("/")
    subject = Subject(group, of_kind, about.place.namespace, about.place.name)
    show = f"rynxs log show {position['seq']}"
    why = f"rynxs log why {subject} conditions.{kind}"
    tell = f"{show} tells" if kind == DEGRADED else f"{why} and {show} tell"
    return f"; {tell} more, of log {position['origin']}"


def _what(condition: Mapping[str, Any]) -> tuple[str, str]:
    return condition["status"], condition["reason"]


class Notices:
    """Writes Events, one after the other; when too many wait, the oldest are dropped."""

    def __init__(self, cluster: Reported, clock: Clock, identity: str) -> None:
        """Have nothing to tell yet.

        Args:
            cluster: to write to.
            clock: time of day.
            identity: of this process.
        """
        self._cluster = cluster
        self._clock = clock
        self._identity = identity
        self._waiting: deque[Notice] = deque(maxlen=_WAITING_MAX)
        self._news = asyncio.Event()
        self._last_us = 0

    def tell(self, notice: Notice) -> None:
        """Have something told."""
        self._waiting.append(notice)
        self._news.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            while self._waiting:
                await self._write(self._waiting.popleft())
            self._news.clear()
            await self._news.wait()

    async def _write(self, notice: Notice) -> None:
        try:
            await self._cluster.create(self._event(notice))
        except ClusterError as error:
            _log.warning("event not written", reason=notice.reason, error=str(error))

    def _event(self, notice: Notice) -> dict[str, Any]:
        """Return an Event (events.k8s.io/v1) with a name that no other has."""
        self._last_us = max(self._clock.now_us(), self._last_us + 1)
        place = notice.about.place
        version, _, kind = place.kind.rpartition("/")
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": f"{place.name[:_NAME_MAX]}.{self._last_us:x}",
                "namespace": place.namespace or "default",
            },
            "action": "Reconcile",
            "eventTime": format_time(self._last_us),
            "note": notice.note[:_NOTE_MAX],
            "reason": notice.reason[:_REASON_MAX],
            "regarding": {
                "apiVersion": version,
                "kind": kind,
                "name": place.name,
                **({"namespace": place.namespace} if place.namespace else {}),
                "uid": notice.about.uid,
            },
            "reportingController": "universe.ai/rynxs",
            "reportingInstance": self._identity[:128],
            "type": WARNING if notice.is_warning else NORMAL,
        }
