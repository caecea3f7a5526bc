"""Install other people's plugins beside what the image has, which they may not replace.

What is installed goes last on the operator's path, and was checked by its hash.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

PIP = [
    *("-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "--no-deps", "--upgrade"),
    *("--no-cache-dir", "--disable-pip-version-check", "--no-input"),
]


def main() -> None:
    """Install, and refuse what shadows an installed distribution or a module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("requirements")
    parser.add_argument("target")
    asked, options = parser.parse_known_args()
    target = Path(asked.target).resolve()
    sys.path = [each for each in sys.path if Path(each).resolve() != target]  # what the image has
    ours = {_normal(each.name) for each in distributions()}
    pip = [sys.executable, *PIP, "--target", asked.target, "-r", asked.requirements, *options]
    if status := subprocess.run(pip, check=False).returncode:
        sys.exit(status)
    for each in distributions(path=[asked.target]):
        if _normal(each.name) in ours:
            sys.exit(f"{each.name} {each.version} is refused: the image has a {each.name} already")
        for module in sorted(_modules(each)):
            if _is_taken(find_spec(module)):
                sys.exit(f"{each.name} {each.version} is refused: the image has a module {module}")
        sys.stdout.write(f"installed {each.name} {each.version}\n")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _modules(each: Distribution) -> set[str]:
    """Return the names that can be imported at the top."""
    tops = {file.parts[0] for file in each.files or ()}
    names = {top.partition(".")[0] for top in tops if not top.endswith((".dist-info", ".data"))}
    return {name for name in names if name.isidentifier()} - {"bin", "__pycache__"}


def _is_taken(spec: ModuleSpec | None) -> bool:
    """Tell whether there is such a module; several distributions may share a namespace package."""
    return spec is not None and spec.loader is not None and spec.origin is not None


if __name__ == "__main__":
    main()
