"""Writing to the cluster, a step at a time; what has changed under a step is read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.engine.pipeline import Taken
from rynxs.operator.cluster import CHANGED, NOT_FOUND, ClusterError, place_of
from rynxs.operator.reconciling import Create, Delete, Obstacle, work
from rynxs.operator.stamp import stamp_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from rynxs.operator.cluster import Cluster
    from rynxs.operator.present import Present
    from rynxs.operator.reconciling import Asked, Step, Update, Work

_TRIES_MAX = 5
"""So often a step is tried on an object that changes under it before that counts as a failure."""


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


class Contested(Exception):
    """A step is about an object that bears the stamp of a later epoch, and was not taken.

    Somebody else leads, or somebody has forged the stamp.

    Attributes:
        id: of the object.
        version: its resourceVersion.
    """

    def __init__(self, identifier: str, version: str) -> None:
        super().__init__(f"{identifier} bears the stamp of a later epoch")
        self.id = identifier
        self.version = version


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
        self._forged: dict[str, str] = {}

    def forged(self, identifier: str, version: str) -> None:
        """Take in that the stamp of an object, in this version, is forged: this process leads."""
        self._forged[identifier] = version

    def compare(self, asked: Asked) -> Work:
        """Compare a plan with what is there."""
        present = self._present.of(asked.subject, [manifest.id for manifest in asked.manifests])
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
            Contested: what it is about is of a later epoch.
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
        self._refuse_contested(asked, step.id)
        try:
            taken = await self._taken(step)
        except ClusterError as error:
            if error.status in CHANGED:
                return str(error)
            raise _failed(step, error) from None
        return taken

    def _refuse_contested(self, asked: Asked, identifier: str) -> None:
        metadata = self._present.get(identifier)
        stamp = None if metadata is None else stamp_of(metadata)
        if metadata is None or stamp is None or stamp.epoch <= asked.epoch:
            return
        version = str(metadata["resourceVersion"])
        if self._forged.get(identifier) != version:
            raise Contested(identifier, version)

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
        self._forged.pop(step.id, None)
        return Taken(step.id, "applied", str(metadata["uid"]))

    async def _delete(self, step: Delete) -> None:
        try:
            await self._cluster.delete(place_of(step.id), step.uid, step.resource_version)
        except ClusterError as error:
            if error.status != NOT_FOUND:
                raise
        self._intact.pop(step.id, None)
        self._forged.pop(step.id, None)
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
