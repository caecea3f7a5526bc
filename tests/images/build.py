"""The Dockerfile carried out: its commands run where only the tree and the results can be written.

It takes root and Linux, for mounts in a namespace of their own and for chroot. Where Docker would
take an image of Python, this machine's directories are seen, and can't be written to; pip asks the
same package index that it asks on this machine, and shares its cache.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.cluster.image import Image
from tests.images.base import base_files
from tests.images.dockerfile import Instruction, Stage, Unreadable, stages
from tests.servers.process import ServerFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY: Final = Path(__file__).parents[2]
SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LIMIT_S: Final = 400
LOG_TAIL: Final = 3000

SEE_THE_MACHINE: Final = """
root=$1 cache=$2 workdir=$3 command=$4
see() {
  mkdir -p "$root$1"
  mount --rbind "$1" "$root$1"
  mount -o remount,bind,ro "$root$1"
}
for each in /* /opt/*; do
  case $each in
    /opt | /tmp | /proc | /sys | /dev) ;;
    *) if [ -L "$each" ]; then cp -P "$each" "$root/"; elif [ -d "$each" ]; then see "$each"; fi ;;
  esac
done
mkdir -p "$root/tmp" "$root/dev" "$root/proc" "$root$workdir"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mkdir -p "$cache" "$root$cache"
mount --rbind "$cache" "$root$cache"
exec chroot "$root" /bin/sh -euc "cd $workdir; $command"
"""
"""What a command sees: this machine, read only, but for the directories that the build has made."""


class Built:
    """The stages that were built, in a directory."""

    def __init__(self, directory: Path, found: list[Stage]) -> None:
        """Take what was built.

        Args:
            directory: The root of each stage that has commands, by its name.
            found: All stages.
        """
        self._directory = directory
        self._stages = {stage.name: stage for stage in found}

    def image(self, stage: str, name: str) -> Image:
        """Return the image of a stage that copies and configures, and runs nothing.

        Raises:
            Unreadable: It does something else.
        """
        files: dict[str, Path] = {}
        environment = {"PATH": SYSTEM_PATH}
        user, entrypoint, command = "", [], []
        for each in self._stages[stage].instructions:
            match each.word:
                case "COPY":
                    source, path = self._copied(each)
                    files[path] = source
                case "ENV":
                    known = environment["PATH"]
                    environment |= {
                        key: value.replace("${PATH}", known) for key, value in each.pairs().items()
                    }
                case "USER":
                    user = each.text
                case "ENTRYPOINT":
                    entrypoint = each.command()
                case "CMD":
                    command = each.command()
                case "LABEL":
                    continue
                case _:
                    raise Unreadable(f"the stage {stage} has {each.word} {each.text}")
        below = [base_files(source) for source in files.values()]
        merged = {path: file for part in below for path, file in part.items()} | files
        return Image(name, merged, entrypoint, command, environment, user)

    def _copied(self, each: Instruction) -> tuple[Path, str]:
        match each.words():
            case [option, source, path] if option.startswith("--from="):
                return self._directory / option.removeprefix("--from=") / source.lstrip("/"), path
            case _:
                raise Unreadable(f"COPY {each.text} is not from a stage")


@contextmanager
def built(dockerfile: Path = REPOSITORY / "Dockerfile") -> Iterator[Built]:
    """Build the stages of a Dockerfile that have commands; they are gone in the end.

    Raises:
        ServerFailed: A command failed; with the end of what it said.
        Unreadable: There is something in it that is not carried out here.
    """
    found = stages(dockerfile.read_text())
    with tempfile.TemporaryDirectory(prefix="rynxs-images-") as temporary:
        directory = Path(temporary)
        for stage in found:
            if stage.of("RUN"):
                _build(stage, directory / stage.name, dockerfile.parent)
        yield Built(directory, found)


def _build(stage: Stage, root: Path, context: Path) -> None:
    workdir = "/"
    root.mkdir()
    for each in stage.instructions:
        match each.word:
            case "WORKDIR":
                workdir = each.text
                (root / workdir.lstrip("/")).mkdir(parents=True)
            case "COPY":
                *sources, target = each.words()
                for source in sources:
                    _copy(context / source, root / workdir.lstrip("/") / target)
            case "RUN":
                _run(root, workdir, each.text)
            case _:
                raise Unreadable(f"the stage {stage.name} has {each.word} {each.text}")


def _copy(source: Path, target: Path) -> None:
    """Copy a directory's content, or a file into a directory, as COPY does."""
    if source.is_dir():
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "tests")
        shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)
    else:
        shutil.copy(source, target / source.name)


def _run(root: Path, workdir: str, command: str) -> None:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pip"
    unshare = ["unshare", "--mount", "--fork", "--kill-child", "sh", "-euc", SEE_THE_MACHINE, "sh"]
    python = Path(sys.executable).resolve().parent
    done = subprocess.run(
        [*unshare, root, cache, workdir, command],
        env={**_for_pip(), "PATH": f"{python}:{SYSTEM_PATH}", "HOME": str(Path.home())},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        raise ServerFailed(f"{command} ended with {done.returncode}: {done.stdout[-LOG_TAIL:]}")


def _for_pip() -> dict[str, str]:
    """Return what says where pip finds packages, and whom it trusts."""
    about = ("PIP_", "SSL_", "REQUESTS_", "HTTP_", "HTTPS_", "NO_PROXY", "XDG_CACHE_HOME")
    return {key: value for key, value in os.environ.items() if key.upper().startswith(about)}
