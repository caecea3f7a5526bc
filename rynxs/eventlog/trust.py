"""Which keys are believed, how many of them must sign, and who has taken over from whom.

Keys that a log's own `KeyRotated` records link are a line of succession: whoever knows one of them
knows all, each for the checkpoints of its time, for both signed where one took over. A line counts
as one signer, however many of its keys sign.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import CheckpointRefused, KeyFileError, LogCorrupt, UsageError
from rynxs.eventlog import note as notes
from rynxs.eventlog.note import NoteVerifier
from rynxs.eventlog.rotation import KEY_ROTATED

if TYPE_CHECKING:
    from rynxs.eventlog.note import Note
    from rynxs.eventlog.rotation import Rotation, SignedRotation

ParseVkey = Callable[[str], NoteVerifier]
Ref = tuple[str, bytes]


def _no_scheme(vkey: str) -> NoteVerifier:
    raise KeyFileError(f"vkey {vkey!r}: no signature scheme is at hand")


@dataclass(frozen=True)
class Trust:
    """Keys that are believed; without any, no signature is checked.

    Attributes:
        keys: distinct by name and key ID.
        required: how many of them must have signed the newest checkpoint.
        parse: returns the key of a vkey, raising `KeyFileError`; for keys that a rotation names.
    """

    keys: Sequence[NoteVerifier] = ()
    required: int = 1
    parse: ParseVkey = _no_scheme

    def __post_init__(self) -> None:
        """Check that the keys are distinct and as many as required.

        Raises:
            UsageError: they are not.
        """
        refs = list(map(ref, self.keys))
        for name, key_id in {each for each in refs if refs.count(each) > 1}:
            raise UsageError(f"two keys are called {name}+{key_id.hex()}; which is to be believed?")
        if not 1 <= self.required <= max(1, len(self.keys)):
            raise UsageError(
                f"{self.required} signatures are required of {len(self.keys)} known keys"
            )

    @classmethod
    def of(cls, keys: Trust | Sequence[NoteVerifier]) -> Trust:
        """Return trust in any one of the keys, or the trust that is given."""
        return keys if isinstance(keys, Trust) else cls(tuple(keys))


@dataclass
class _Standing:
    """A key, and for which sizes of checkpoints its signature counts; `last` None is for ever."""

    key: NoteVerifier
    first: int = 0
    last: int | None = None

    def counts(self, size: int) -> bool:
        return self.first <= size and (self.last is None or size <= self.last)


class _Signer(NamedTuple):
    """A known key with the line of succession that it belongs to."""

    standing: _Standing
    line: Ref


class KnownKeys:
    """The keys of a trust, and those that a log's rotations link to them, as records pass."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._lines: list[dict[str, _Standing]] = []  # by vkey, each retired by the next
        self._named: dict[Ref, str] = {}

    def follow(self, signed: SignedRotation) -> None:
        """Take in the next rotation of the log.

        Raises:
            LogCorrupt: the two keys have not signed it, or it names a key that is retired or was
                in use before.
        """
        rotation, note = signed
        old, new = self._key(rotation, rotation.old), self._key(rotation, rotation.new)
        try:
            found = notes.signed_by(note, [old, new])
        except CheckpointRefused as error:
            raise _refused(rotation, str(error)) from None
        if {*map(ref, found)} != {ref(old), ref(new)}:
            raise _refused(rotation, "not signed by the old and the new key")
        self._succeed(rotation, old, new)

    def learned(self) -> list[NoteVerifier]:
        """Return the keys that are known by rotations only."""
        given = set(map(ref, self._trust.keys))
        return [known.standing.key for each, known in self._known().items() if each not in given]

    def judge(
        self, size: int, note: Note, signed: Sequence[NoteVerifier], required: int
    ) -> list[str]:
        """Return the names of the keys whose signatures of a checkpoint count.

        Args:
            size: of the checkpoint.
            note: the checkpoint.
            signed: the known keys whose signatures of it are valid.
            required: how many lines of succession must be among them.

        Raises:
            CheckpointRefused: they are too few.
        """
        known = self._known()
        if not signed:
            raise notes.unknown_signers(note, [each.standing.key for each in known.values()])
        counting = [key for key in signed if known[ref(key)].standing.counts(size)]
        if not counting:
            names = ", ".join(map(show, signed))
            raise CheckpointRefused(f"signed by {names} only, not the log's key at size {size}")
        lines = {known[ref(key)].line for key in counting}
        if len(lines) < required:
            names = ", ".join(map(show, counting))
            raise CheckpointRefused(
                f"signed by {len(lines)} of the known keys ({names}), {required} are required"
            )
        return [key.name for key in counting]

    def _key(self, rotation: Rotation, vkey: str) -> NoteVerifier:
        """Return the key of a vkey: the trusted one if it is called so, whatever the text says."""
        try:
            parsed = self._trust.parse(vkey)
        except KeyFileError as error:
            raise _refused(rotation, str(error)) from None
        called = ref(parsed)
        if self._named.setdefault(called, vkey) != vkey:
            raise _refused(rotation, f"another key is called {show(parsed)}")
        return next((key for key in self._trust.keys if ref(key) == called), parsed)

    def _succeed(self, rotation: Rotation, old: NoteVerifier, new: NoteVerifier) -> None:
        after = rotation.seq + 1
        if any(rotation.new in line for line in self._lines):
            raise _refused(rotation, f"{show(new)} was in use before")
        line = next((line for line in self._lines if rotation.old in line), None)
        if line is None:
            line = {rotation.old: _Standing(old)}
            self._lines.append(line)
        if line[rotation.old].last is not None:
            raise _refused(rotation, f"{show(old)} is retired already")
        line[rotation.old].last = after
        # A key that is trusted of itself may have signed before, beside the old one.
        first = 0 if ref(new) in map(ref, self._trust.keys) else after
        line[rotation.new] = _Standing(new, first)

    def _known(self) -> dict[Ref, _Signer]:
        known = {ref(key): _Signer(_Standing(key), ref(key)) for key in self._trust.keys}
        for line in self._lines:
            members = [ref(standing.key) for standing in line.values()]
            if any(member in known for member in members):
                for standing in line.values():
                    known[ref(standing.key)] = _Signer(standing, members[0])
        return known


def _refused(rotation: Rotation, why: str) -> LogCorrupt:
    return LogCorrupt(rotation.seq, f"{KEY_ROTATED}: {why}")


def ref(key: NoteVerifier) -> Ref:
    """Return what a signature line says of a key: its name and its key ID."""
    return key.name, key.key_id


def show(key: NoteVerifier) -> str:
    """Return name and key ID of a key as text."""
    return f"{key.name}+{key.key_id.hex()}"
