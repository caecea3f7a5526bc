"""The namespaces of a real node: what runs there ends with them, and what it mounts or sets too.

A node is a PID, a mount and a network namespace, as a container that serves as a node is. The
kernel then does what a test could only try to: once the first process is killed, every other is
(pods and their shims too, whoever their parent is), every mount is undone, and every network link,
address, route and nftables rule is gone.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import ClassVar

from tests.servers.process import TOOLS, Program

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SETPRIV = Path(shutil.which("setpriv", path=SYSTEM_PATH) or "setpriv")
NSENTER = Path(shutil.which("nsenter", path=SYSTEM_PATH) or "nsenter")
PROBE = TOOLS / "probe"
STAYS = "it stays"
"""What the first process says once the mounts are made."""

DIE_WITH_PARENT = ("--pdeathsig", "KILL")
NEVER_SET = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
"""What a kubelet sets for the whole machine, whatever namespaces it is in: here it sets copies."""

MOUNTS = """
written=$1 probe=$2; shift 2
mkdir "$written"
mount -t tmpfs written "$written"
for directory in /var/lib /var/log; do
  mkdir -p "$written$directory" "$written/work$directory"
  mount -t overlay overlay "$directory" \
    -o "lowerdir=$directory,upperdir=$written$directory,workdir=$written/work$directory"
done
mount -t tmpfs run /run
for setting; do
  mkdir -p "$written/sys/${setting%/*}"
  cat "/proc/sys/$setting" >"$written/sys/$setting"
  mount --bind "$written/sys/$setting" "/proc/sys/$setting"
done
exec "$probe" stay
"""
"""What a node writes to fixed places is seen by nobody else, and kept in memory."""


class NodeSpace(Program):
    """The namespaces, held by their first process, which is a parent to orphans there.

    They end when this process does, however it does.
    """

    program: ClassVar = SETPRIV

    def command(self) -> list[str]:
        space = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--net"]
        script = ["sh", "-euc", MOUNTS, "sh", f"{self.directory / 'written'}", f"{PROBE}"]
        return [*DIE_WITH_PARENT, *space, *script, *NEVER_SET]

    def settings(self) -> dict[str, str]:
        return {"PATH": SYSTEM_PATH}

    def wait(self) -> None:
        self.until(self._complaint)

    @property
    def first(self) -> int:
        """The first process in it, by the PID that it has outside.

        Raises:
            ProcessLookupError: It has ended.
        """
        assert self._process is not None
        parent = self._process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        if not children:
            raise ProcessLookupError("the node's first process has ended")
        return int(children[0])

    def entering(self, *kinds: str) -> list[str]:
        """Return the arguments of nsenter after which those of a program follow, to run in it.

        Args:
            kinds: Which of its namespaces to enter: `pid`, `mount`, `net`.
        """
        return [f"--target={self.first}", *(f"--{kind}" for kind in kinds), "--"]

    def kill(self) -> None:
        """End all that runs in it, and wait until nothing does."""
        if self._process is not None and self._process.poll() is None:
            try:
                os.kill(self.first, signal.SIGKILL)
            except (ProcessLookupError, FileNotFoundError):
                pass
            else:
                # It is a zombie only after all others are gone, and unshare ends only after that.
                self._process.wait()
        super().kill()

    def stop(self) -> None:
        """End all that runs in it; harmless when repeated."""
        self.kill()
        super().stop()

    def _complaint(self) -> str | None:
        return None if STAYS in self._log.read_text() else "the mounts are not made yet"
