"""``python -m tests.fuzz.keep [TARGET...]``: keep in the repository what reaches more of the code.

Of the inputs in .fuzz/corpus, from the shortest on, those are added to tests/fuzz/corpus that go
from one line of the product to another as no seed and no kept input does, up to some kilobytes a
target.
"""

from __future__ import annotations

import base64
import sys
from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any, Final

from tests.fuzz.__main__ import PLACE, REPOSITORY
from tests.fuzz.target import corpus_file
from tests.fuzz.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from tests.fuzz.target import Target

    Steps = set[tuple[str, int, int]]

SIZE_MAX: Final = 6_000
"""Characters in a target's file; findings that are put in by hand may be more."""
_PRODUCT: Final = tuple(str(REPOSITORY / folder) for folder in ("rynxs", "plugins"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Add to the kept inputs of the targets named, or of all."""
    parser = ArgumentParser(prog="python -m tests.fuzz.keep", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    for name in parser.parse_args(arguments).targets or TARGETS:
        found = sorted((PLACE / "corpus" / name).glob("*"), key=lambda file: file.stat().st_size)
        added = _add(TARGETS[name], [file.read_bytes() for file in found])
        sys.stdout.write(f"{name}: {added} of {len(found)} added\n")
    return 0


def _add(target: Target, found: Sequence[bytes]) -> int:
    """Add those inputs that reach more; return how many these are."""
    file = corpus_file(target.name)
    text = file.read_text(encoding="ascii") if file.exists() else ""
    known: Steps = set()
    for data in target.starts() * 2:  # what is made on first use is made by the second time
        known = known | _steps(target, data)
    added = 0
    for data in found:
        line = f"{base64.b64encode(data).decode()}\n"
        if len(text) + len(line) > SIZE_MAX:
            break
        more = _steps(target, data) - known
        if more:
            known |= more
            text += line
            added += 1
    if added:
        file.write_text(text, encoding="ascii")
    return added


def _steps(target: Target, data: bytes) -> Steps:
    """Return the steps from line to line that a run takes in the product."""
    steps: Steps = set()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(_PRODUCT):
            return None
        last = frame.f_lineno

        def trace_lines(inner: FrameType, event: str, _: Any) -> Any:
            nonlocal last
            steps.add((file, last, inner.f_lineno))
            last = inner.f_lineno
            return trace_lines

        return trace_lines

    sys.settrace(trace)
    try:
        target.run(data)
    finally:
        sys.settrace(None)
    return steps


if __name__ == "__main__":
    sys.exit(main())
