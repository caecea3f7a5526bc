"""A program of a real node, which runs in the node's namespaces."""

from __future__ import annotations

import shutil
from abc import abstractmethod
from http.client import HTTPConnection
from typing import TYPE_CHECKING, ClassVar

from tests.cluster.component import ASK_LIMIT_S, Component
from tests.cluster.node_space import DIE_WITH_PARENT, NSENTER, SETPRIV, SYSTEM_PATH
from tests.cluster.uplink import NODE_ADDRESS
from tests.servers.process import TOOLS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.node_space import NodeSpace


class NodeProgram(Component):
    """One of the programs of a node, asked over HTTP at the node's address whether it serves.

    When it is stopped, all of the node ends: what it writes may only be removed after that.
    """

    program: ClassVar = NSENTER
    executable: ClassVar[Path]
    """What runs; nsenter only waits for it."""

    health_port: ClassVar[int]
    """Where it tells how it is; a node has an address of its own, so the port may be fixed."""

    def __init__(self, space: NodeSpace) -> None:
        """Make its directory; nothing runs yet.

        Args:
            space: The namespaces that it will run in.
        """
        super().__init__()
        self.space = space
        self.endpoint = f"{NODE_ADDRESS}:{self.health_port}"

    @abstractmethod
    def arguments(self) -> list[str]:
        """The arguments after the executable."""

    def command(self) -> list[str]:
        setpriv = [f"{SETPRIV}", *DIE_WITH_PARENT]  # so that to kill nsenter is to kill it
        entering = self.space.entering("pid", "mount", "net")
        return [*entering, *setpriv, f"{self.executable}", *self.arguments()]

    def settings(self) -> dict[str, str]:
        return {"PATH": f"{TOOLS}:{SYSTEM_PATH}"}

    def stop(self) -> None:
        """End the node, and remove what this program wrote; harmless when repeated."""
        self.space.kill()
        super().stop()

    def connection(self) -> HTTPConnection:
        return HTTPConnection(self.endpoint, timeout=ASK_LIMIT_S)

    def keep_logs(self, directory: Path) -> None:
        """Copy its log to a directory that is there."""
        shutil.copy(self._log, directory / f"{self.executable.name}.log")

    def _report(self, what: str) -> str:
        return super()._report(what).replace(self.program.name, self.executable.name, 1)
