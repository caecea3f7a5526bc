"""What plugins make of samples, call by call; also in processes of other hash seeds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from rynxs.errors import PluginError
from rynxs.testing.pure.asking import calls
from rynxs.testing.pure.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence

# Not `-m`: the package may have imported this module already, which `-m` warns of.
_PROGRAM: Final = "from rynxs.testing.pure.transcript import main; main()"


def transcript(sample: Sample) -> list[list[Any]]:
    """Return every call on a sample with what came of it."""
    return [[str(call), call.outcome()] for call in calls(sample)]


def main() -> None:
    """Read a sample from standard input and write its transcript to standard output."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # What the plugins print is nobody's affair.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with answers:
        sample = Sample.from_json(json.load(sys.stdin))
        answers.write(json.dumps(transcript(sample)))  # far faster than dump()


def transcripts(sample: Sample, hash_seeds: Sequence[int]) -> list[list[list[Any]]]:
    """Return the transcripts of processes that differ in hash seed and time zone, equal ones once.

    Raises:
        PluginError: a process failed.
    """
    request = json.dumps(sample)
    with ExitStack() as stack:
        processes = [stack.enter_context(_started(seed)) for seed in hash_seeds]
        answers = [process.communicate(request) for process in processes]
    for process, (_, stderr) in zip(processes, answers, strict=True):
        if process.returncode:
            last = (stderr.strip().splitlines() or ["(nothing on its standard error)"])[-1]
            raise PluginError(
                f"the plugin worked in this process, and in one of its own it failed: {last}"
            )
    return [json.loads(text) for text in dict.fromkeys(stdout for stdout, _ in answers)]


def _started(hash_seed: int) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PYTHONHASHSEED": str(hash_seed),
        "PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path),
        "TZ": f"KIT{hash_seed % 12}",
    }
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _PROGRAM],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
