"""What a process does with a log while its system calls fail, step by step."""

from __future__ import annotations

from hashlib import sha256
from operator import methodcaller
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from rynxs.api import ABSENT
from rynxs.eventlog import checkpoint
from rynxs.eventlog.audit import Audit
from rynxs.eventlog.canonical import encode
from rynxs.eventlog.log import Entry, Log
from rynxs.testing.histories import ORIGIN, entries
from rynxs.testing.memory import MemorySink, MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rynxs.api import Record, Sink

    Step = Callable[["Session"], None]


AUTHOR: Final = "traced"
"""Whose records the process appends whose system calls fail."""


class Key:
    """A signature scheme for tests: a checksum that a flipped bit breaks."""

    name = "test"
    key_id = b"test"

    def sign(self, message: bytes) -> bytes:
        return sha256(b"a secret of these tests" + message).digest()

    def verify(self, message: bytes, signature: bytes) -> bool:
        return signature == self.sign(message)


KEY = Key()


class State(NamedTuple):
    """What a log holds: its records, and its objects by their names."""

    records: Sequence[Record] = ()
    objects: Mapping[str, bytes] = MappingProxyType({})

    @classmethod
    def of(cls, sink: Sink) -> State:
        """Read all of a log."""
        return cls(tuple(sink.read()), objects_of(sink))

    def in_memory(self) -> MemorySink:
        """Return a sink that holds it."""
        store = MemoryStore()
        store.records, store.objects = list(self.records), dict(self.objects)
        return MemorySink(store)


def objects_of(sink: Sink) -> Mapping[str, bytes]:
    """Read the objects of a log."""
    found = {name: sink.get(name) for name in sink.list()}
    return {name: each.data for name, each in found.items() if each is not None}


class Session:
    """A process's use of a log. Each method is one step, and can be done again if it fails."""

    def __init__(self, open_sink: Callable[[], Sink], author: str) -> None:
        """`author` is whose history is appended, so that no two processes append the same."""
        self._open = open_sink
        self._author = author
        self.sink: Sink
        self.log: Log

    def open(self) -> None:
        """Open the sink."""
        self.sink = self._open()

    def load(self) -> None:
        """Open the log for appending."""
        self.log = Log.open(self.sink)

    def append(self, stop: int) -> None:
        """Append one batch, after which the log has `stop` records."""
        start = self.log.size
        if start < stop:
            self.log.append(entries(start, stop - start, self._author))

    def append_redaction(self, stop: int, seqs: Sequence[int]) -> None:
        """Append, as the last of `stop` records, that these payloads will be erased."""
        if self.log.size < stop:
            payload = {"actor": {"name": self._author}, "reason": "a test", "seqs": list(seqs)}
            tip = self.log.tip
            self.log.append(
                [Entry("Redacted", "", encode(payload), tip.epoch, tip.time_us, cause=seqs[0])]
            )

    def erase(self, seqs: Sequence[int]) -> None:
        """Erase payloads."""
        self.sink.erase(seqs)

    def sign(self) -> None:
        """Store a signed checkpoint of the log as it stands."""
        body = self.log.checkpoint(ORIGIN)
        checkpoint.store(self.sink, body, checkpoint.sign(body, [KEY]))

    def save(self) -> None:
        """Store the frontier."""
        self.log.save()

    def put(self, name: str, data: bytes) -> None:
        """Store an object, on condition that it is what it was a moment ago."""
        present = self.sink.get(name)
        if present is None or present.data != data:
            self.sink.put(name, data, present.version if present else ABSENT)

    def put_all(self, *objects: tuple[str, bytes]) -> None:
        """Store several objects."""
        self.sink.put_all(objects)

    def delete(self, name: str) -> None:
        """Delete an object."""
        self.sink.delete(name)

    def audit(self) -> None:
        """Verify all records and checkpoints, and read all objects."""
        keys = [KEY] if self.sink.list("checkpoint") else []  # a key wants something it has signed
        for _ in Audit(self.sink, keys).batches():
            pass
        State.of(self.sink)

    def close(self) -> None:
        """Close the sink."""
        self.sink.close()


LOAD: Step = methodcaller("load")
BEGIN: Sequence[Step] = (methodcaller("open"), LOAD)
SIZE_BEFORE = 240
"""Records of the log that another process has left behind."""

MAKING: Sequence[Step] = (
    *BEGIN,
    methodcaller("append", 3),
    methodcaller("append", 8),
    methodcaller("append", 13),
    methodcaller("put", "name", b"one"),
    methodcaller("put", "name", b"another"),
    methodcaller("put_all", ("tile/0/000", b"a"), ("tile/0/001", b"b"), ("tile/1/000", b"c")),
    methodcaller("put", "large", bytes(2**20)),
    methodcaller("delete", "tile/0/001"),
    methodcaller("save"),
    methodcaller("append_redaction", 14, (4, 12)),
    methodcaller("sign"),
    methodcaller("erase", (4, 12)),
    methodcaller("append", 17),
    methodcaller("close"),
)
"""Make a log, use all that a sink can do, and close it."""

GOING_ON: Sequence[Step] = (
    *BEGIN,
    methodcaller("append", SIZE_BEFORE + 2),
    methodcaller("put", "name", b"another"),
    methodcaller("append_redaction", SIZE_BEFORE + 3, (1,)),
    methodcaller("sign"),
    methodcaller("erase", (1,)),
    methodcaller("append", SIZE_BEFORE + 5),
    methodcaller("close"),
)
"""Use a log that is there."""

READING: Sequence[Step] = (methodcaller("open"), methodcaller("audit"), methodcaller("close"))
"""Verify a log that is there."""


def states(steps: Sequence[Step], before: State) -> Sequence[State]:
    """Return what a log holds before the first step and after each, if nothing fails."""
    sink = before.in_memory()
    session = Session(lambda: sink, AUTHOR)
    found = [before]
    for step in steps:
        step(session)
        found.append(State.of(sink))
    return found
