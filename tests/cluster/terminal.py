"""A terminal in which somebody types what the documents say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.cluster.kubectl import Answer
from tests.servers.process import TOOLS

REPOSITORY: Final = Path(__file__).parents[2]
LIMIT_S: Final = 240


class Terminal:
    """A shell that finds rynxs, kubectl and Helm, in a directory that has the repository's files.

    Attributes:
        directory: Where commands are typed.
        environment: What commands that are typed from now on are given.
    """

    def __init__(self, directory: Path, kubeconfig: Path) -> None:
        """Open it.

        Args:
            directory: An empty one, which is also its user's home.
            kubeconfig: Of the cluster that is spoken to.
        """
        self.directory = directory
        for name in ("crds", "examples", "helm"):
            (directory / name).symlink_to(REPOSITORY / name)
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{TOOLS}:/usr/bin:/bin",
            "HOME": str(directory),
            "KUBECONFIG": str(kubeconfig),
        }

    def run(self, text: str) -> Answer:
        """Run lines up to the first that fails, in a pipe too, whatever the exit status will be.

        Raises:
            TimeoutExpired: Four minutes passed.
        """
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", text],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=LIMIT_S,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def done(self, text: str) -> str:
        """Run lines successfully, and return what they print."""
        answer = self.run(text)
        assert answer.status == 0, f"{text}: {answer.out}{answer.err}"
        return answer.out


def blocks(document: str, heading: str = "", language: str = "bash") -> list[str]:
    """Return the code blocks of a document.

    Args:
        document: In Markdown.
        heading: Of the section that they are in, without the marks before it; any if empty.
        language: Of the blocks.
    """
    found: list[str] = []
    section, fence, is_wanted = "", "", False
    for line in document.splitlines(keepends=True):
        if fence:
            if line.startswith("```"):
                fence = ""
            elif is_wanted:
                found[-1] += line
        elif line.startswith("```"):
            fence = line.strip("`\n") or "text"
            is_wanted = heading in {"", section} and fence == language
            if is_wanted:
                found.append("")
        elif line.startswith("#"):
            section = line.strip("# \n")
    return found


def typed(notes: str) -> str:
    """Return what Helm's notes have to type for their last step."""
    last = notes.rpartition("\n3. ")[2]
    return "".join(re.findall(r"^   (.*\n)", last, re.MULTILINE))
