"""Rows of what compiled code would bring: `Chain.verify` against a prototype of it in C."""

from __future__ import annotations

import ctypes
import subprocess
from contextlib import closing
from itertools import chain as chained
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.measure import in_turn, rate
from benchmarks.result import INFORMATIVE, Row
from benchmarks.workload import file_log
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import batched
from rynxs.eventlog.merkle import HASH_SIZE, Frontier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.result import Spread
    from rynxs.eventlog.record import Record

SOURCE: Final = Path(__file__).parent / "prototype" / "verify.c"
_COMPILER = "cc"
_FLAGS = ("-O2", "-shared", "-fPIC", "-Wno-deprecated-declarations")
_HEIGHTS = 64
_ROUNDS = 7


class Unbuilt(Exception):
    """The prototype can't be compiled here; says what is missing."""


class _State(ctypes.Structure):
    """`Chain` in verify.c."""

    _fields_ = (
        ("seq", ctypes.c_uint64),
        ("epoch", ctypes.c_uint64),
        ("time_us", ctypes.c_uint64),
        ("head", ctypes.c_uint8 * HASH_SIZE),
        ("nodes", ctypes.c_uint8 * HASH_SIZE * _HEIGHTS),
    )


class Verified(NamedTuple):
    """Where a verified chain ends."""

    size: int
    head: bytes
    root: bytes


class Prototype:
    """The compiled code."""

    def __init__(self, directory: Path) -> None:
        """Compile it into a directory.

        Raises:
            Unbuilt: there is no C compiler, or no OpenSSL to compile with.
        """
        target = directory / "verify.so"
        if which(_COMPILER) is None:
            raise Unbuilt(f"{_COMPILER}, a C compiler, is missing")
        done = subprocess.run(
            [_COMPILER, *_FLAGS, "-o", target, SOURCE, "-lcrypto"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Unbuilt(next(iter(done.stderr.splitlines()), f"{_COMPILER} failed"))
        self.function = ctypes.CDLL(str(target)).verify
        self.function.restype = ctypes.c_uint64
        self.function.argtypes = (
            *(ctypes.POINTER(_State), ctypes.c_char_p, ctypes.c_void_p, ctypes.c_uint64),
        )

    def chain(self) -> PrototypeChain:
        """Return a chain of no records."""
        return PrototypeChain(self)


class PrototypeChain:
    """A chain as the prototype verifies it."""

    def __init__(self, prototype: Prototype) -> None:
        self._function = prototype.function
        self._state = _State()

    def verify(self, records: Sequence[Record]) -> bool:
        """Add records, none of them erased, up to the first that does not hold; tell if all did."""
        data = b"".join(chained.from_iterable(records))  # type: ignore[arg-type]
        sizes = (ctypes.c_uint32 * (3 * len(records)))(*map(len, chained.from_iterable(records)))  # type: ignore[arg-type]
        held: int = self._function(ctypes.byref(self._state), data, sizes, len(records))
        return held == len(records)

    def verified(self) -> Verified:
        """Return where it ends."""
        state = self._state
        heights = [height for height in range(_HEIGHTS) if state.seq >> height & 1]
        nodes = [bytes(state.nodes[height]) for height in reversed(heights)]
        return Verified(state.seq, bytes(state.head), Frontier(state.seq, nodes).root())


def verification(prototype: Prototype, log: Path) -> Iterator[Row]:
    """Verify a log by both: through the reader, and records that are in memory already.

    The prototype makes no `Header` of a record, which ours returns.
    """
    with closing(file_log(log).open_reader()) as sink:
        records = list(sink.read())
        for name, source in (
            ("through the reader", sink.read),
            ("in memory", lambda: iter(records)),
        ):
            compiled, ours = _alternated(prototype, source, len(records))
            title = f"prototype in C: verify {len(records):,} records {name}; limit: ours"
            yield Row(title, "records/s", compiled, ours, INFORMATIVE)


def _alternated(
    prototype: Prototype, source: Callable[[], Iterator[Record]], count: int
) -> list[Spread]:
    found: set[Verified] = set()

    def speed(chain: Chain | PrototypeChain) -> float:
        return rate(count, lambda: [chain.verify(part) for part in batched(source())])

    def compiled() -> float:
        chain = prototype.chain()
        took = speed(chain)
        found.add(chain.verified())
        return took

    def ours() -> float:
        chain = Chain()
        took = speed(chain)
        found.add(Verified(chain.size, chain.tip.head, chain.frontier.root()))
        return took

    figures = in_turn(_ROUNDS, compiled, ours)
    assert len(found) == 1, "both verify the same chain"
    return figures
