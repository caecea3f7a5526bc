"""Checkpoints that a log must still have, compared with the chain where it has their size.

Signatures are judged when the chain has got there, since by then the log's own key rotations are
known; a checkpoint that only a later rotation can vouch for is judged at the end.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import CheckpointRefused, LogCorrupt, SinkConflict
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog import note as notes
from rynxs.eventlog.genesis import origin_of
from rynxs.eventlog.record import decode_header, payload_hash
from rynxs.eventlog.rotation import KEY_ROTATED, MARK, read
from rynxs.eventlog.trust import KnownKeys, Trust

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rynxs.eventlog.chain import Chain
    from rynxs.eventlog.checkpoint import Checkpoint
    from rynxs.eventlog.note import Note, NoteVerifier
    from rynxs.eventlog.record import Header, Record
    from rynxs.eventlog.sink import Sink


class CheckedCheckpoint(NamedTuple):
    """A checkpoint that matches the log; `signed_by` is empty when no key was given."""

    name: str
    size: int
    signed_by: list[str]


class Expected(NamedTuple):
    """A checkpoint to be compared with a log.

    Attributes:
        name: what errors call it.
        checkpoint, note: the same, parsed.
        required: how many known keys must have signed it; 0 if nobody asks.
    """

    name: str
    checkpoint: Checkpoint
    note: Note
    required: int

    @classmethod
    def of(cls, name: str, data: bytes, required: int) -> Expected:
        """Return the checkpoint that `data` is.

        Raises:
            CheckpointRefused: it is none.
        """
        with _naming(name):
            return cls(name, *cp.parse(data), required)


class ExpectedCheckpoints:
    """Checkpoints on their way to be compared with a log.

    Attributes:
        checked: those that the chain has matched so far.
    """

    def __init__(
        self, sink: Sink, trust: Trust, expected: Iterable[Expected], start: int = 0
    ) -> None:
        """Check what can be checked before the records, from `start` on, are read.

        Raises:
            CheckpointRefused: a checkpoint is of another log, holds a known key's bad signature, or
                lacks a known key's, and no record of the log could change that.
            LogCorrupt: the first record does not name the log.
        """
        self.checked: list[CheckedCheckpoint] = []
        self._sink = sink
        self._trust = trust
        self._known = KnownKeys(trust)
        self._origin: str | None = None
        self._last_rotation: int | None = None
        self._pending: list[_Signed] = []
        self._unvouched: list[_Signed] = []
        self._follow_last(start)
        for each in expected:
            with _naming(each.name):
                keys = trust.keys if each.required else ()
                signed = _Signed(each, notes.signed_by(each.note, keys))
                self._judged(signed, start)
            self._pending.append(signed)
        self._check_origins()
        self._pending.sort(key=lambda signed: signed.size)

    def _follow_last(self, start: int) -> None:
        """Follow the record before `start`, if it is a rotation.

        It may have retired the very key that signed the checkpoint that the reading starts from.
        """
        for record in self._sink.read(start - 1, start) if start and self._trust.keys else ():
            if MARK in record.header:
                header, salt, payload = decode_header(record.header), record.salt, record.payload
                if payload is not None and header.payload_hash != payload_hash(salt, payload):
                    raise LogCorrupt(start - 1, "payload is not the one that its header says")
                self.follow(header, record)

    def _check_origins(self) -> None:
        self._origin = origin_of(self._sink) if self._pending else None
        for (name, checkpoint, _, _), _ in self._pending:
            if self._origin is not None and checkpoint.origin != self._origin:
                raise CheckpointRefused(
                    f"{name}: of log {checkpoint.origin!r}, this log is {self._origin!r}"
                )

    @property
    def is_done(self) -> bool:
        """Whether every checkpoint has been matched and judged, so that no more need be read."""
        return not self._pending and not self._unvouched

    @property
    def signed_size(self) -> int:
        """How many records the largest checkpoint covers that is checked and signed."""
        return max((checked.size for checked in self.checked if checked.signed_by), default=0)

    @property
    def sizes(self) -> list[int]:
        """The sizes of the checkpoints that the chain has not reached, rising."""
        return [signed.size for signed in self._pending]

    def verify(self, chain: Chain, records: Sequence[Record]) -> Iterator[Sequence[Record]]:
        """Let the chain verify records, in parts that end where a checkpoint does.

        Key rotations among them are followed once the chain has taken a part in.

        Raises:
            LogCorrupt: a record does not hold.
            CheckpointRefused: a checkpoint's root is not the log's, or nobody known signed it.
        """
        self.compare(chain)
        while records:
            wanted = len(records)
            if self._pending:
                wanted = min(wanted, self._pending[0].size - chain.size)
            part, records = records[:wanted], records[wanted:]
            yield part
            for record in part if self._trust.keys else ():
                if MARK in record.header:
                    self.follow(decode_header(record.header), record)
            self.compare(chain)

    def follow(self, header: Header, record: Record) -> None:
        """Take in a verified record, in order; only those of kind `KEY_ROTATED` matter.

        `verify` does it. Who verifies records otherwise does it before comparing any checkpoint of
        more than `header.seq` records.

        Raises:
            LogCorrupt: it is a rotation that does not hold.
        """
        if header.kind != KEY_ROTATED or not self._trust.keys:
            return
        self._origin = self._origin or origin_of(self._sink) or ""
        self._known.follow(read(header, record, self._origin))

    def finish(self, chain: Chain) -> None:
        """Check that nothing is missing that a checkpoint covers, and that each is signed.

        Raises:
            LogCorrupt: the log is shorter than a checkpoint.
            SinkConflict: it is not, for another writer has gone on since the sink was opened.
            CheckpointRefused: a checkpoint is not properly signed.
        """
        self.compare(chain)
        if self._pending:
            self._refuse_overtaken(chain.size)
            name, missing, _, _ = self._pending[0].expected
            raise LogCorrupt(
                chain.size, f"missing: the log ends here, {name} covers {missing.size} records"
            )
        for signed in self._unvouched:
            with _naming(signed.expected.name):
                self._accept(signed, self._judge(signed))
        self._unvouched.clear()
        self.checked.sort(key=lambda checked: checked.size)

    def _refuse_overtaken(self, size: int) -> None:
        """Look again: the sink of a writer may end where the log ended when it was opened."""
        for _ in self._sink.read(size, size + 1):
            raise SinkConflict(f"another writer has made record {size} since the log was opened")

    def compare(self, chain: Chain) -> None:
        """Compare the checkpoints of just the chain's size with its root; only it is looked at.

        `verify` does it. Who verifies records otherwise does it at each of `sizes`.

        Raises:
            CheckpointRefused: a checkpoint's root is not the log's, or nobody known signed it.
        """
        while self._pending and self._pending[0].size == chain.size:
            signed = self._pending.pop(0)
            with _naming(signed.expected.name):
                signed.expected.checkpoint.require_root(chain.frontier.root())
                names = self._judged(signed, chain.size)
            # Two keys that count as two signers are one, if a later rotation links them.
            if names is None or (signed.expected.required > 1 and self._rotates_from(chain.size)):
                self._unvouched.append(signed)
            else:
                self._accept(signed, names)

    def _judged(self, signed: _Signed, size: int) -> list[str] | None:
        """Return who signed a checkpoint; None if only a rotation from `size` on could tell.

        Raises:
            CheckpointRefused: it is not properly signed, and no rotation follows.
        """
        try:
            return self._judge(signed)
        except CheckpointRefused:
            if self._rotates_from(size):
                return None
            raise

    def _judge(self, signed: _Signed) -> list[str]:
        (_, checkpoint, note, required), given = signed
        if not required:
            return []
        learned = notes.signed_by(note, self._known.learned())
        return self._known.judge(checkpoint.size, note, [*given, *learned], required)

    def _accept(self, signed: _Signed, names: list[str]) -> None:
        self.checked.append(CheckedCheckpoint(signed.expected.name, signed.size, names))

    def _rotates_from(self, size: int) -> bool:
        """Tell whether a record from `size` on looks like a rotation; ask with rising sizes."""
        if self._last_rotation is None:
            records = enumerate(self._sink.read(size), size)
            found = (seq for seq, each in records if MARK in each.header)
            self._last_rotation = max(found, default=-1)
        return self._last_rotation >= size


class StoredCheckpoints(ExpectedCheckpoints):
    """The checkpoints that a log itself holds.

    Of the largest one as many signatures are demanded as the trust requires, of the others one.
    """

    def __init__(
        self,
        sink: Sink,
        trust: Trust | Sequence[NoteVerifier] = (),
        start: int = 0,
        vouched: Expected | None = None,
    ) -> None:
        """Read those of more than `start` records; bare keys are trust in any one of them.

        Args:
            sink: the log.
            trust: whose signatures are believed.
            start: how many records are verified already.
            vouched: the checkpoint of so many records that says so; it is judged with the others.

        Raises:
            CheckpointRefused: one is malformed, misnamed, of another log, or not properly signed.
            LogCorrupt: the first record does not name the log.
        """
        trust = Trust.of(trust)
        given = [] if vouched is None else [vouched]
        stored = _stored(sink, trust, start + 1 if start else 0)
        super().__init__(sink, trust, [*given, *stored], start)


class _Signed(NamedTuple):
    """An expected checkpoint, with those of the given keys whose signatures of it are valid."""

    expected: Expected
    by: list[NoteVerifier]

    @property
    def size(self) -> int:
        return self.expected.checkpoint.size


def _stored(sink: Sink, trust: Trust, smallest: int) -> Iterator[Expected]:
    """Yield the stored checkpoints of at least `smallest` records."""
    first = cp.numbered_name(smallest)
    names = [name for name in sink.list(cp.NUMBERED) if name >= first]
    required = 1 if trust.keys else 0
    latest = sink.get(cp.LATEST)
    newest = None if latest is None else Expected.of(cp.LATEST, latest.data, required)
    largest = max(names, default="")
    if newest and cp.numbered_name(newest.checkpoint.size) >= largest:
        largest = cp.LATEST
    for name in names:
        stored = sink.get(name)
        if stored is None:
            continue
        expected = Expected.of(name, stored.data, required)
        size = expected.checkpoint.size
        if name != cp.numbered_name(size):
            raise CheckpointRefused(f"{name}: it is of size {size}")
        yield _held(expected, trust) if name == largest else expected
    if newest and newest.checkpoint.size >= smallest:
        yield _held(newest, trust) if largest == cp.LATEST else newest


def _held(expected: Expected, trust: Trust) -> Expected:
    return expected._replace(required=trust.required) if trust.keys else expected


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Say in front of an error which checkpoint is meant."""
    try:
        yield
    except CheckpointRefused as error:
        raise CheckpointRefused(f"{name}: {error}") from None
