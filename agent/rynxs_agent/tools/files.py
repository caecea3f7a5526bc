"""The tools ``files.*``: reading and writing in the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import Field

from rynxs_agent.errors import ToolError
from rynxs_agent.tools.tool import Arguments, Tool

if TYPE_CHECKING:
    from rynxs_agent.tools.workspace import Workspace

RESERVED: Final = ".rynxs"
"""The runtime's own directory in the workspace, which the file tools leave alone."""
_READ_SIZE_MAX = 48 * 1024
_WRITE_SIZE_MAX = 1024 * 1024
_LISTED_MAX = 1_000
_OFFSET_MAX = 2**62


class ReadArguments(Arguments):
    """Of ``files.read``."""

    path: str = Field(description="A file in the workspace.")
    offset: int = Field(
        0, ge=0, le=_OFFSET_MAX, description="Byte to begin at, for a file that is large."
    )


class WriteArguments(Arguments):
    """Of ``files.write``."""

    path: str = Field(description="A file in the workspace; missing directories are made.")
    content: str = Field(description="All that is to be in it.")


class ListArguments(Arguments):
    """Of ``files.list``."""

    path: str = Field(".", description="A directory in the workspace.")


class DeleteArguments(Arguments):
    """Of ``files.delete``."""

    path: str = Field(description="A file or an empty directory in the workspace.")


class Files:
    """The file tools of one run.

    Attributes:
        written: the files that they have written and that were not deleted, in that order.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.written: dict[str, None] = {}

    def tools(self) -> list[Tool]:
        """Return the tools."""
        return [
            Tool("files.list", "List a directory of the workspace.", ListArguments, self._list),
            Tool("files.read", "Read a text file of the workspace.", ReadArguments, self._read),
            Tool("files.write", "Write a text file of the workspace.", WriteArguments, self._write),
            Tool("files.delete", "Delete from the workspace.", DeleteArguments, self._delete),
        ]

    async def _read(self, given: ReadArguments) -> str:
        piece = self._workspace.read(self._own(given.path), given.offset, _READ_SIZE_MAX)
        end = given.offset + len(piece.data)
        text = piece.data.decode(errors="replace")
        if end >= piece.size:
            return text
        return f"{text}\n[read up to byte {end} of {piece.size}; go on with offset {end}]"

    async def _write(self, given: WriteArguments) -> str:
        path = self._own(given.path)
        data = given.content.encode()
        if len(data) > _WRITE_SIZE_MAX:
            raise ToolError("a file that is written may not be larger than 1 MiB")
        self._workspace.write(path, data)
        self.written[path] = None
        return f"{len(data)} bytes written"

    async def _list(self, given: ListArguments) -> str:
        entries = self._workspace.entries(self._own(given.path), _LISTED_MAX + 1)
        lines = [f"{each.kind}\t{each.size}\t{each.name}" for each in entries[:_LISTED_MAX]]
        if len(entries) > _LISTED_MAX:
            lines.append(f"[there are more than {_LISTED_MAX} entries]")
        return "\n".join(lines) or "[empty]"

    async def _delete(self, given: DeleteArguments) -> str:
        path = self._own(given.path)
        self._workspace.delete(path)
        self.written.pop(path, None)
        return "deleted"

    def _own(self, path: str) -> str:
        """Return a path relative to the workspace, unless the runtime keeps that for itself."""
        names = self._workspace.names_of(path)
        if names[:1] == (RESERVED,):
            raise ToolError(f"{RESERVED} is the runtime's own")
        return "/".join(names)
