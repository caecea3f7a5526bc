"""Install other people's plugins beside what the image has, which they may not replace.

What is installed goes last on the operator's path, and was checked by its hash. Nothing of it is
run here: it is put where this Python does not look, as wheels, which run nothing when installed.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

PIP = [
    *("-I", "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "--no-deps"),
    *("--no-cache-dir", "--disable-pip-version-check", "--no-input"),
]
HASH = r"--hash=sha256:[0-9a-f]{64}"
REQUIREMENT = re.compile(rf"[A-Za-z0-9][\w.-]*==[\w.!+-]+(\s*;[^#-]*)?(\s+{HASH})+", re.ASCII)
RUN_AT_START = {"sitecustomize", "usercustomize"}
"""Modules that Python imports by itself, whoever has picked a plugin or not."""


def main() -> None:
    """Install, and refuse what shadows an installed distribution or a module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("requirements")
    parser.add_argument("target")
    asked, options = parser.parse_known_args()
    target = Path(asked.target)
    _clear(target)
    check_requirements(Path(asked.requirements).read_text())
    pip = [sys.executable, *PIP, "--target", target, "-r", asked.requirements, *options]
    if status := subprocess.run(pip, check=False).returncode:
        sys.exit(status)
    ours = {_normal(each.name) for each in distributions()}
    for each in distributions(path=[str(target)]):
        if _normal(each.name) in ours:
            _refuse(target, f"{each.name} {each.version}: the image has a {each.name} already")
    for file in sorted(target.iterdir()):
        if reason := _taken(file):
            _refuse(target, f"{file.name}: {reason}")
    for each in distributions(path=[str(target)]):
        sys.stdout.write(f"installed {each.name} {each.version}\n")


def check_requirements(text: str) -> None:
    """Refuse lines that say anything but which version of what, with its hash.

    An option there would count for more than those of the command.
    """
    for number, line in enumerate(text.replace("\\\n", " ").splitlines(), 1):
        wanted = line.partition(" #")[0].strip()
        if wanted and not wanted.startswith("#") and not REQUIREMENT.fullmatch(wanted):
            sys.exit(
                f"requirement {number} is refused: {wanted!r}; "
                "expected is NAME==VERSION --hash=sha256:DIGEST"
            )


def _clear(target: Path) -> None:
    """Remove what an earlier start of this container has left."""
    for each in target.iterdir() if target.exists() else ():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()


def _refuse(target: Path, why: str) -> None:
    _clear(target)
    sys.exit(f"{why}, so it is refused")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _taken(file: Path) -> str:
    """Return why a file or directory may not lie on the path, empty if it may."""
    module = file.name.partition(".")[0]
    if file.is_symlink():
        return "a link"
    if file.name.endswith(".dist-info") or file.name in {"bin", "__pycache__"}:
        return ""
    if module in RUN_AT_START:
        return "Python would run it at each start"
    spec = find_spec(module) if module.isidentifier() else None
    if spec is None:
        return ""
    is_shared = spec.origin is None and file.is_dir() and not (file / "__init__.py").exists()
    return "" if is_shared else f"the image has a module {module}"  # a namespace may be shared


if __name__ == "__main__":
    main()
