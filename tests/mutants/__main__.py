"""``python -m tests.mutants [WORD...]``: break one thing after the other; a test must fail of it.

It works on a copy of the tree, in which all these tests must pass before anything is broken. Exit
status 0 when each fault was noticed, 1 when one was not, or a test failed without any.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path

from tests.mutants.mutations import MUTATIONS, REPOSITORY, Mutation

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "*.egg-info")
TAIL = 2000
LIMIT_S = 600


def main(arguments: list[str] | None = None) -> int:
    """Try the mutations whose names have one of some words in them, or all."""
    parser = ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="of names; all faults without any")
    words = parser.parse_args(arguments).words
    wanted = [each for each in MUTATIONS if not words or any(word in each.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="rynxs-mutants-") as temporary:
        tree = Path(temporary) / "tree"
        shutil.copytree(REPOSITORY, tree, ignore=LEFT_OUT)
        if not all(_pass(tests, tree) for tests in sorted({each.tests for each in wanted})):
            return 1
        results = [_tried(each, tree) for each in wanted]
    noticed = sum(results)
    sys.stdout.write(f"{noticed} of {len(wanted)} faults were noticed\n")
    return 0 if noticed == len(wanted) else 1


def _pass(tests: str, tree: Path) -> bool:
    """Tell whether tests pass as long as nothing is broken."""
    try:
        done = _run_tests(tests, tree)
    except subprocess.TimeoutExpired:
        sys.stdout.write(f"{tests}: not done after {LIMIT_S} s without a fault\n")
        return False
    sys.stdout.write(f"{tests}: {'pass' if done.returncode == 0 else 'FAIL'} without a fault\n")
    if done.returncode:
        sys.stdout.write(f"{done.stdout[-TAIL:]}{done.stderr[-TAIL:]}\n")
    sys.stdout.flush()
    return done.returncode == 0


def _tried(mutation: Mutation, tree: Path) -> bool:
    """Tell whether a test fails of a mutation."""
    file = tree / mutation.file
    text = file.read_text()
    file.write_text(text.replace(mutation.before, mutation.after))
    started_s = time.monotonic()
    try:
        done = _run_tests(mutation.tests, tree)
    except subprocess.TimeoutExpired:
        sys.stdout.write(f"noticed, for a test never ends: {mutation.name}\n")
        sys.stdout.flush()
        return True
    finally:
        file.write_text(text)
    took_s = time.monotonic() - started_s
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    if failed:
        said = f"noticed in {took_s:3.0f} s: {mutation.name}\n  {failed[0]}\n"
    elif done.returncode == 0:
        said = f"NOT NOTICED in {took_s:3.0f} s: {mutation.name}\n"
    else:
        said = f"BROKEN: {mutation.name}\n{done.stdout[-TAIL:]}{done.stderr[-TAIL:]}\n"
    sys.stdout.write(said)
    sys.stdout.flush()
    return bool(failed)


def _run_tests(tests: str, tree: Path) -> subprocess.CompletedProcess[str]:
    """Run tests until one fails; raises `TimeoutExpired` if they take far longer than ever."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--exitfirst", "--quiet", "--numprocesses=auto"),
            *("-m", ""),  # slow ones too
            *("-p", "no:cacheprovider", tests),
        ],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": _path(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )


def _path(tree: Path) -> str:
    """Return where Python looks first, so that it does not find what is installed from the tree."""
    plugins = sorted(str(each) for each in (tree / "plugins").iterdir())
    return os.pathsep.join([str(tree), *plugins, str(tree / "agent")])


if __name__ == "__main__":
    sys.exit(main())
