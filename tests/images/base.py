"""What the product's images begin with here: the Python that runs the tests, and what it needs.

It stands where it stands on this machine, so that it finds itself. In place of Docker's image of
Python, which can't be had without a registry.
"""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import sys
import sysconfig
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

PROGRAMS: Final = ("cat", "cp", "ls", "mkdir", "mv", "rm", "sh", "sleep", "tar")
"""What a slim image has besides, as far as the product or a task of the tests runs it."""

UNUSED: Final = {"config-*", "ensurepip", "idlelib", "lib2to3", "site-packages", "test", "tkinter"}
"""Parts of the standard library that are big and not needed where a program only runs."""

LIBRARY: Final = re.compile(r"^\t(?:\S+ => )?(/\S+) \(0x", re.MULTILINE)
"""A line of ldd for a library that was found."""


def base_files(packages: Path) -> dict[str, Path]:
    """Return the file or directory for each path in an image.

    Args:
        packages: What will be installed in it, whose compiled parts need libraries too.
    """
    return _python_files() | _libraries(packages.rglob("*.so*"))


@cache
def _python_files() -> dict[str, Path]:
    """Return what is the same for every image."""
    python = Path(sys.executable).resolve()
    stdlib = Path(sysconfig.get_path("stdlib", vars={"base": sys.base_prefix}))
    programs = [python, *(_program(name) for name in PROGRAMS)]
    files = {str(each): each for each in programs}
    for directory in (python.parent, "/usr/local/bin"):
        files |= {f"{directory}/{name}": python for name in ("python", "python3")}
    files["/bin/sh"] = _program("sh")
    files |= {str(each): each for each in stdlib.iterdir() if not _is_unused(each)}
    files |= _libraries([*programs, *stdlib.glob("lib-dynload/*.so")])
    authorities = ssl.get_default_verify_paths().cafile
    if authorities:
        files["/etc/ssl/certs/ca-certificates.crt"] = Path(authorities).resolve()
    return files


def _program(name: str) -> Path:
    found = shutil.which(name, path="/usr/bin:/bin")
    if found is None:
        raise FileNotFoundError(f"there is no {name} in /usr/bin or /bin")
    return Path(found)


def _is_unused(path: Path) -> bool:
    return any(path.match(each) for each in UNUSED)


def _libraries(programs: Iterable[Path]) -> dict[str, Path]:
    """Return the libraries that the loader loads for programs, by the path that it asks for."""
    with tempfile.TemporaryDirectory() as nowhere:
        done = subprocess.run(
            ["ldd", *programs],
            capture_output=True,
            text=True,
            check=False,
            cwd=nowhere,
            env={"PATH": os.defpath},
        )
    return {each: Path(each) for each in LIBRARY.findall(done.stdout)}
