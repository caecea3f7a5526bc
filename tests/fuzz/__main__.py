"""``python -m tests.fuzz [--seconds N] [TARGET...]``: feed what reads bytes with hostile ones.

Each target runs for so long in a process of its own, which ends at its first finding. What has
reached something new is kept in .fuzz/corpus, from where the next run goes on; findings are in
.fuzz/findings. Exit status 0 when nothing was found, 1 when something was.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.fuzz import worker
from tests.fuzz.targets import PLANTED, TARGETS, target_of

if TYPE_CHECKING:
    from collections.abc import Sequence

REPOSITORY: Final = Path(__file__).parents[2]
PLACE: Final = REPOSITORY / ".fuzz"
_UNGUIDED: Final = (
    "atheris is not installed: inputs are changed blindly, by hypothesis, and none is kept. There "
    "are wheels of atheris for Linux on x86-64; make fuzz installs one where it fits.\n"
)
_TAIL: Final = 3_000
_START_S: Final = 120  # to import, to read the corpus, to end
_MEMORY: Final = Path("/dev/shm")
_ROW: Final = "{:<18} {:>11} {:>7} {:>9}  {}\n"


class Outcome(NamedTuple):
    """What became of a target.

    Attributes:
        name: of the target.
        executions: how many inputs it ran.
        corpus: how many inputs are kept, for what they reach; empty without atheris.
        reached: what they reach, in edges of the code counted by how often; empty without atheris.
        said: the end of what the process printed.
        finding: the file of an input that breaks the promise; empty if the process left none, and
            None if there is none.
    """

    name: str
    executions: str
    corpus: str
    reached: str
    said: str
    finding: str | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz the targets named, or all, or run them once."""
    parser = ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each; 0: the corpus alone")
    parser.add_argument("--input", type=Path, help="run the targets on this file alone, and end")
    parser.add_argument("--place", type=Path, default=PLACE, help="for corpus and findings")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    options = parser.parse_args(arguments)
    names = options.targets or [*TARGETS]
    for name in names:
        if name not in {*TARGETS, PLANTED.name}:
            parser.error(f"no target is called {name}; there are: {', '.join(TARGETS)}")
    if options.input is not None:
        for name in names:
            target_of(name).run(options.input.read_bytes())
        return 0
    if not worker.has_atheris():
        sys.stdout.write(_UNGUIDED)
    sys.stdout.write(_ROW.format("target", "executions", "corpus", "reached", "finding"))
    outcomes = []
    for name in names:
        outcomes.append(_fuzzed(name, options.seconds, options.place))
        _tell(outcomes[-1])
    found = [outcome for outcome in outcomes if outcome.finding is not None]
    sys.stdout.write(f"{len(found)} of {len(outcomes)} targets have a finding\n")
    return 1 if found else 0


def _fuzzed(name: str, seconds: int, place: Path) -> Outcome:
    """Run a target in a process of its own, whose files are in memory where there is a place."""
    corpus, findings = place / "corpus" / name, place / "findings" / name
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as temporary:
        try:
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "tests.fuzz.worker"),
                    *(name, str(seconds), str(corpus.resolve()), str(findings.resolve())),
                ],
                cwd=REPOSITORY,
                env={**os.environ, "TMPDIR": temporary},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=seconds + _START_S,
                check=False,
            )
            said, status = done.stdout.decode(errors="replace"), done.returncode
        except subprocess.TimeoutExpired as error:
            said, status = (error.stdout or b"").decode(errors="replace"), 1
    written = _last(r"Test unit written to (\S+)", said)
    return Outcome(
        name,
        executions=_last(r"stat::number_of_executed_units: (\d+)", said),
        corpus=_last(r" corp: (\d+)", said),
        reached=_last(r" ft: (\d+)", said),
        said=re.sub(r"(?m)^(?:INFO: |WARNING: |#[0-9]).*\n", "", said)[-_TAIL:],
        finding=written if status else None,
    )


def _last(pattern: str, text: str) -> str:
    return next(reversed(re.findall(pattern, text)), "")


def _tell(outcome: Outcome) -> None:
    """Print a target's line, and of a finding what happened and how to see it again."""
    name, executions, corpus, reached, said, finding = outcome
    what = "none" if finding is None else finding or "no input was left"
    sys.stdout.write(_ROW.format(name, executions, corpus, reached, what))
    if finding is not None:
        sys.stdout.write(f"{said}\n")
    if finding:
        sys.stdout.write(f"to repeat it: python -m tests.fuzz --input {finding} {name}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
