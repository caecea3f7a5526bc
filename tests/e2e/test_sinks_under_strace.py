"""System calls that fail beneath sinks on a file system: a sample of what `make strace` tries."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = 300

# The file sink, broken before its processes are forked; and one fault, of which that is to be seen.
BROKEN = """
import os, sys
from contextlib import nullcontext, suppress
from rynxs_sink_file import objects, writer
from tests.strace.__main__ import main

real = os.fdatasync
def deaf(descriptor):
    with suppress(OSError):
        real(descriptor)

{breaking}
sys.exit(main([{point!r}]))
"""
DEFECTS = {
    "a flush that fails is not told": (
        "os.fdatasync = deaf",
        "file/new/fdatasync/2/EIO",
        "it did not hear of the error",
    ),
    "an object is written in place": (
        "objects.replace_file = lambda path, data: path.write_bytes(data)",
        "file/new/write/1/SIGKILL",
        "object name is neither as it was nor as it was to be",
    ),
    "an error is let through": (
        "writer.translated = nullcontext",
        "file/new/fdatasync/2/EIO",
        "it ended with status 70",
    ),
}


def _run(repository: Path, *command: str, path: str = os.environ["PATH"]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=repository,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("sink", ["file", "lmdb"])
def test_a_log_survives_each_of_a_sample_of_failing_calls_and_kills(
    sink: str, repository: Path
) -> None:
    status, said = _run(repository, "-m", "tests.strace", sink, f"--sample={SAMPLE}")
    if status != 0:
        pytest.fail(said, pytrace=False)
    assert said.endswith(f"\n{SAMPLE} of {SAMPLE} were survived\n")


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_sink_that_keeps_no_promise_is_found_out(defect: str, repository: Path) -> None:
    breaking, point, told = DEFECTS[defect]
    script = BROKEN.format(breaking=breaking, point=point)
    status, said = _run(repository, "-c", script)
    assert status == 1, said
    assert f"NOT SURVIVED: python -m tests.strace {point}\n" in said
    assert told in said
    assert said.endswith("\n0 of 1 were survived\n")


def test_where_nothing_can_be_traced_that_is_told(repository: Path, tmp_path: Path) -> None:
    command = ("-m", "tests.strace", "file")
    nothing = "no system call can be made to fail here"
    status, said = _run(repository, *command, path=str(tmp_path))
    assert (status, said) == (
        2,
        f"{nothing}: strace is not installed; on Debian: apt-get install strace\n",
    )
    strace = tmp_path / "strace"
    refusal = "strace: attach: ptrace(PTRACE_SEIZE, 1): Operation not permitted"
    strace.write_text(f"#!/bin/sh\necho '{refusal}' >&2\nexit 1\n")
    strace.chmod(0o700)
    status, said = _run(repository, *command, path=str(tmp_path))
    assert (status, said) == (2, f"{nothing}: {refusal}\n")


def test_a_point_that_is_none_is_told(repository: Path) -> None:
    status, said = _run(repository, "-m", "tests.strace", "file/new/reboot")
    assert status == 2
    assert "no point is called file/new/reboot" in said
