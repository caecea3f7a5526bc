"""A log whose key is replaced, for tests, signed by a scheme that is none."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import KeyFileError
from rynxs.eventlog import canonical
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.log import Entry, Log
from rynxs.eventlog.rotation import KEY_ROTATED, payload_of
from rynxs.eventlog.vkey import format_vkey, key_id_of, parse_vkey
from rynxs.testing import MemorySink

if TYPE_CHECKING:
    from collections.abc import Mapping

ORIGIN = "log.example"


class Key(NamedTuple):
    """Signs with a hash that everybody can make; equal keys of another name differ."""

    name: str
    number: int = 0

    @property
    def raw(self) -> bytes:
        return b"\xffkey" + bytes((self.number,))

    @property
    def key_id(self) -> bytes:
        return key_id_of(self.name, self.raw)

    @property
    def vkey(self) -> str:
        return format_vkey(self.name, self.raw)

    def sign(self, message: bytes) -> bytes:
        return sha256(self.vkey.encode() + message).digest()

    def verify(self, message: bytes, signature: bytes) -> bool:
        return self.sign(message) == signature


def parse(vkey: str) -> Key:
    """Return the key of a vkey."""
    name, _, raw = parse_vkey(vkey)
    if raw[:4] != b"\xffkey":
        raise KeyFileError(f"vkey {vkey!r}: not of this scheme")
    return Key(name, raw[4])


class RotatedLog:
    """A log in memory that grows by calls; `sink` holds it."""

    def __init__(self) -> None:
        self.sink = MemorySink()
        self.log = Log.open(self.sink)
        self.append("EpochStarted", {"origin": ORIGIN})

    @property
    def size(self) -> int:
        return self.log.size

    def append(self, kind: str, body: Mapping[str, object]) -> int:
        entry = Entry(kind, "", canonical.encode(body), 1, self.log.size)
        self.log.append([entry])
        return self.log.size - 1

    def grow(self, count: int = 3) -> None:
        for _ in range(count):
            self.append("Nothing", {})

    def rotate(self, old: Key, new: Key, changed: Mapping[str, object] | None = None) -> int:
        body = payload_of(ORIGIN, self.log.size, old, new)
        return self.append(KEY_ROTATED, {**body, **(changed or {})})

    def sign(self, *keys: Key) -> bytes:
        made = self.log.checkpoint(ORIGIN)
        signed = cp.sign(made, keys)
        cp.store(self.sink, made, signed)
        return signed


def history(*keys: Key) -> RotatedLog:
    """Return a log that the keys sign one after the other, each taking over from the one before."""
    made = RotatedLog()
    for old, new in pairwise(keys):
        made.grow()
        made.sign(old)
        made.grow()
        made.rotate(old, new)
        made.sign(old, new)
    made.grow()
    made.sign(keys[-1])
    return made
