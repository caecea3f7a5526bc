"""strace on a process that waits for it: what it records, and the faults that it injects."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_ATTACHED: Final = re.compile(r"strace: Process [0-9]+ attached\n")
_CALL: Final = re.compile(r"([a-z_0-9]+)\(")
_QUOTED: Final = re.compile(r'"(/(?:[^"\\]|\\.)*)"')
_DESCRIPTOR: Final = re.compile(r"[0-9]<(/[^>]*)>")
_DELETED: Final = " (deleted)"
_FIRST: Final = "rt_sigtimedwait"  # in which the process was as strace came
_MAPPED: Final = re.compile(r"mmap\([^,]+, ([0-9]+), .* = 0x([0-9a-f]+)$")
_ADDRESSED: Final = re.compile(r"(?:munmap|mremap|msync|madvise|mprotect)\(0x([0-9a-f]+),")


class TracingImpossible(Exception):
    """strace is not here, or may not trace."""


class Call(NamedTuple):
    """A system call as strace tells it.

    Attributes:
        name: of the system call.
        nth: which call of that name it is, from 1.
        paths: of files that it names, by path, descriptor or address.
        line: what strace says.
    """

    name: str
    nth: int
    paths: Sequence[str]
    line: str

    @property
    def is_injected(self) -> bool:
        """Whether it did not take place, and an error was made up."""
        return self.line.endswith("(INJECTED)")


def check_installed() -> None:
    """Raises `TracingImpossible` if there is no strace."""
    if shutil.which("strace") is None:
        raise TracingImpossible("strace is not installed; on Debian: apt-get install strace")


class Tracer:
    """strace at work on one process, from construction to `calls`."""

    def __init__(self, pid: int, log: Path, options: Sequence[str] = ()) -> None:
        """Attach to a process that waits for a signal.

        Raises:
            TracingImpossible: strace may not attach to it.
        """
        self._log = log
        self._process = subprocess.Popen(
            [
                *("strace", "--attach", str(pid), "--output", str(log)),
                *("--decode-fds=path", "--string-limit=0", "--signal=none", *options),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        told = self._process.stderr.readline()
        if not _ATTACHED.fullmatch(told):
            self._process.kill()
            rest, _ = self._process.communicate()
            raise TracingImpossible(f"{told}{rest or ''}".strip())

    def calls(self) -> Sequence[Call]:
        """Wait until the process has ended, and return the calls that strace was to tell."""
        self._process.communicate()
        return list(parsed(self._log.read_text()))


def parsed(text: str) -> Iterator[Call]:
    """Yield the calls of which strace tells in a text, in order."""
    counts: dict[str, int] = {}
    maps: dict[range, str] = {}
    for line in text.splitlines():
        name = _CALL.match(line)
        if name is None or name[1] == _FIRST:
            continue
        counts[name[1]] = counts.get(name[1], 0) + 1
        arguments = line.rpartition(" = ")[0]
        paths = [*_QUOTED.findall(arguments), *_DESCRIPTOR.findall(arguments)]
        if mapped := _MAPPED.match(line):
            start = int(mapped[2], 16)
            maps.update({range(start, start + int(mapped[1])): path for path in paths})
        elif addressed := _ADDRESSED.match(line):
            place = _holding(int(addressed[1], 16), maps)
            paths += [maps[each] for each in place]
            if name[1] == "munmap":  # so that what is mapped there later is not taken for it
                for each in place:
                    del maps[each]
        yield Call(name[1], counts[name[1]], [each.removesuffix(_DELETED) for each in paths], line)


def _holding(address: int, maps: Mapping[range, str]) -> Sequence[range]:
    return [place for place in maps if address in place]
