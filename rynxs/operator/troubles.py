"""What stands in the way of a subject now: the cluster does not take its plan, or a plugin fails.

It is said in the conditions of the object's status. Nothing of it is read from the log: a new
leader meets it again, if it is still so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.engine.admission import condition
from rynxs.engine.applied import APPLYING, MESSAGE_SIZE_MAX, Refused, applied_condition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs.engine.state import State
    from rynxs.errors import PluginError

DEGRADED = "Degraded"


def is_passing(status: Mapping[str, Any]) -> bool:
    """Tell whether a status says that a plan is being applied."""
    return any(each["reason"] == APPLYING for each in status.get("conditions", ()))


class Troubles:
    """Troubles by subject.

    Attributes:
        degraded: what a plugin failed on, and how it failed.
    """

    def __init__(self) -> None:
        self.degraded: dict[str, str] = {}
        self._refused: dict[str, Refused] = {}

    def plugin_failed(self, subject: str, error: PluginError) -> None:
        """Take in that a plugin failed on a subject."""
        self.degraded[subject] = str(error)

    def observed(self, subject: str) -> str | None:
        """Take in that a subject is tried again from the start; return how a plugin failed."""
        return self.degraded.pop(subject, None)

    def still_failing(self, subject: str, failure: str) -> None:
        """Take in that it was not tried again, unless it was and failed anew."""
        self.degraded.setdefault(subject, failure)

    def not_applied(self, subject: str, seq: int, identifier: str, reason: str) -> None:
        """Take in that the cluster refuses a manifest of the plan that record `seq` holds."""
        self._refused[subject] = Refused(seq, f"{identifier}: {reason}")

    def applied(self, subject: str) -> None:
        """Take in that the cluster has taken a subject's plan."""
        self._refused.pop(subject, None)

    def gone(self, subject: str) -> None:
        """Take in that a subject's object is gone."""
        self.degraded.pop(subject, None)
        self._refused.pop(subject, None)

    def conditions(self, subject: str, state: State) -> list[dict[str, Any]]:
        """Return the conditions of a subject that say how far its plan has got.

        There is no ``Applied`` where nothing is asked for, and a ``Degraded`` only where it is so.
        """
        found = []
        degraded = self.degraded.get(subject)
        if degraded is not None:
            message = degraded[:MESSAGE_SIZE_MAX]
            found.append(condition(DEGRADED, "True", "PluginFailed", message))
        applied = applied_condition(state, subject, self._refused.get(subject))
        return found if applied is None else [*found, applied]
