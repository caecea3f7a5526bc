"""The tool ``shell``: one command in the container, bounded in time and output."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pydantic import Field

from rynxs_agent.errors import ToolError
from rynxs_agent.tools.processes import descendants, end_descendants
from rynxs_agent.tools.tool import Arguments, Tool

if TYPE_CHECKING:
    from pathlib import Path

_OUTPUT_SIZE_MAX = 48 * 1024
_CHUNK_SIZE = 64 * 1024
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DRAIN_S = 5.0
_COMMAND_SIZE_MAX = 100_000
"""Linux takes no argument of more than 128 KiB."""


class ShellArguments(Arguments):
    """Of ``shell``."""

    command: str = Field(
        max_length=_COMMAND_SIZE_MAX,
        pattern=r"^[^\x00]*$",
        description="For /bin/sh, in the workspace. What it leaves running is ended.",
    )


class Shell:
    """The shell tool of an agent.

    A command gets nothing of the runtime's environment, which may hold credentials.
    """

    def __init__(self, workspace: Path, limit_s: float) -> None:
        """Run nothing yet; what descends from this process by now is left alone later.

        Args:
            workspace: where commands run.
            limit_s: how long one may take.
        """
        self._workspace = workspace
        self._limit_s = limit_s
        self._spared = descendants()

    def tools(self) -> list[Tool]:
        """Return the tool."""
        return [Tool("shell", "Run a shell command.", ShellArguments, self._run)]

    async def _run(self, given: ShellArguments) -> str:
        reading, writing = os.pipe()
        try:
            command = await self._start(given.command, writing)
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        output = _Output()
        ending = [
            asyncio.create_task(output.collect(reading)),
            asyncio.create_task(command.wait()),
        ]
        try:
            timed_out = not await _ends(command, self._limit_s)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(command.pid, signal.SIGKILL)
            all_ended = await end_descendants(self._spared, command.pid)
            # The output does not end by now if somebody holds the pipe who got away.
            _, unfinished = await asyncio.wait(ending, timeout=_DRAIN_S)
            for each in unfinished:
                each.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
        if unfinished or not all_ended:
            raise ToolError("not everything that the command has started could be ended")
        if timed_out:
            raise ToolError(f"ended after {self._limit_s:g} s; its output:\n{output.text()}")
        return f"exit status {command.returncode}\n{output.text()}"

    async def _start(self, command: str, output: int) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                "/bin/sh",
                "-c",
                command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._workspace,
                env=self._environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise ToolError(f"/bin/sh can't be run: {error.strerror}") from None

    def _environment(self) -> dict[str, str]:
        return {
            "HOME": str(self._workspace),
            "LANG": "C.UTF-8",
            "PATH": _PATH,
            "TMPDIR": "/tmp",  # noqa: S108 - the pod's own, mounted there
        }


class _Output:
    """What a command has written, up to a bound; the rest is read and dropped."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._size = 0

    async def collect(self, descriptor: int) -> None:
        """Read from a pipe, which is then closed, until nobody can write to it."""
        stream = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(descriptor, "rb", 0)
        )
        try:
            while chunk := await stream.read(_CHUNK_SIZE):
                self._size += len(chunk)
                self._kept += chunk[: _OUTPUT_SIZE_MAX - len(self._kept)]
        finally:
            transport.close()

    def text(self) -> str:
        """Return it as text."""
        text = self._kept.decode(errors="replace")
        dropped = self._size - len(self._kept)
        return f"{text}\n[{dropped} bytes more are not shown]" if dropped else text


async def _ends(command: asyncio.subprocess.Process, limit_s: float) -> bool:
    """Wait for a command to end; tell whether it did so in time."""
    try:
        async with asyncio.timeout(limit_s):
            await command.wait()
    except TimeoutError:
        return False
    return True
