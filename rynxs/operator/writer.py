"""Writing to the cluster, a step at a time; what has changed under a step is read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.engine.pipeline import Taken
from rynxs.errors import RynxsError
from rynxs.operator.cluster import CHANGED, NOT_FOUND, ClusterError, place_of
from rynxs.operator.reconciling import Create, Delete, Obstacle, work
from rynxs.operator.stamp import LEAP_MOST, stamp_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from rynxs.operator.cluster import Cluster
    from rynxs.operator.present import Present
    from rynxs.operator.reconciling import Asked, Step, Update, Work

_TRIES_MAX = 5
"""So often a step is tried on an object that changes under it before that counts as a failure."""


class Superseded(RynxsError):
    """An object bears the stamp of a later epoch: somebody else leads."""

    exit_code = 3


class StepFailed(Exception):
    """A step was not taken.

    Attributes:
        step: as it was tried last.
        reason: what the cluster said.
        retry_after_s: how long it asks to be left alone.
    """

    def __init__(self, step: Step, reason: str, retry_after_s: float = 0.0) -> None:
        super().__init__(f"{step.id}: {reason}")
        self.step = step
        self.reason = reason
        self.retry_after_s = retry_after_s


class Writer:
    """Takes steps. It tells `Present` of all that it learns."""

    def __init__(self, cluster: Cluster, present: Present, may_write: Callable[[], None]) -> None:
        """Have written nothing.

        Args:
            cluster: to write to.
            present: what is there.
            may_write: asked before each write; raises when there may be none.
        """
        self._cluster = cluster
        self._present = present
        self._may_write = may_write
        self._intact: dict[str, str] = {}

    def compare(self, asked: Asked) -> Work:
        """Compare a plan with what is there.

        Raises:
            Superseded: some of it is of a later epoch.
        """
        present = self._present.of(asked.subject, [manifest.id for manifest in asked.manifests])
        for identifier, metadata in present.items():
            stamp = stamp_of(metadata)
            if stamp is None or stamp.origin != asked.origin:
                continue
            if 0 < stamp.epoch - asked.epoch <= LEAP_MOST:
                raise Superseded(
                    f"{identifier} was applied in epoch {stamp.epoch}, and this process leads in "
                    f"epoch {asked.epoch}"
                )
        found = work(asked, present, self._is_intact)
        changed = {each.id for each in (*found.drifts, *found.steps)}
        self._intact.update(
            (each, present[each]["resourceVersion"]) for each in present.keys() - changed
        )
        return found

    def _is_intact(self, identifier: str, metadata: Mapping[str, Any]) -> bool:
        """Tell whether an object was found, or made, just as it was applied, in this version."""
        return bool(self._intact.get(identifier) == metadata["resourceVersion"])

    async def take(self, asked: Asked, step: Step) -> Taken | None:
        """Take a step; return what that did, None if there was nothing left to do.

        Raises:
            StepFailed: the cluster did not take it.
            Superseded: what it is about is of a later epoch.
        """
        for _ in range(_TRIES_MAX):
            outcome = await self._write(asked, step)
            if isinstance(outcome, Taken):
                return outcome
            reason = outcome
            await self._refresh(step)
            again = next((each for each in self.compare(asked).steps if each.id == step.id), None)
            if again is None:
                return None
            if again == step:
                break
            step = again
        raise StepFailed(step, reason)

    async def _write(self, asked: Asked, step: Step) -> Taken | str:
        """Take a step; return what that did, or why it can't be done as things are known."""
        if isinstance(step, Obstacle):
            return step.reason
        self._may_write()
        try:
            taken = await self._taken(step)
        except ClusterError as error:
            if error.status in CHANGED:
                return str(error)
            raise _failed(step, error) from None
        return taken

    async def _taken(self, step: Create | Update | Delete) -> Taken:
        if isinstance(step, Delete):
            await self._delete(step)
            return Taken(step.id, "deleted", step.uid)
        if isinstance(step, Create):
            metadata = await self._cluster.create(step.body)
        else:
            metadata = await self._cluster.apply(step.body, step.entries)
        self._present.put(step.id, metadata)
        self._intact[step.id] = metadata["resourceVersion"]
        return Taken(step.id, "applied", str(metadata["uid"]))

    async def _delete(self, step: Delete) -> None:
        try:
            await self._cluster.delete(place_of(step.id), step.uid, step.resource_version)
        except ClusterError as error:
            if error.status != NOT_FOUND:
                raise
        self._intact.pop(step.id, None)
        self._present.drop(step.id, {"resourceVersion": step.resource_version})

    async def _refresh(self, step: Step) -> None:
        """Read an object again."""
        known = self._present.get(step.id)
        self._present.doubt(step.id)
        try:
            found = await self._cluster.get(place_of(step.id))
        except ClusterError as error:
            if error.status != NOT_FOUND:
                raise _failed(step, error) from None
            if known is not None:
                self._present.drop(step.id, known)
            return
        self._present.put(step.id, found["metadata"])


def _failed(step: Step, error: ClusterError) -> StepFailed:
    return StepFailed(step, str(error), error.retry_after_s or 0.0)
