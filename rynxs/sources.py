"""Every input that is not a function of the log: time, identity and entropy, always passed in."""

from __future__ import annotations

import os
import re
import socket
import time
from datetime import UTC, datetime
from getpass import getuser
from hashlib import sha256
from typing import NamedTuple, Protocol

from rynxs.errors import UsageError

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d{1,6})?(?:[Zz]|([+-]\d\d:\d\d))", re.ASCII
)


class Clock(Protocol):
    """Wall-clock time."""

    def now_us(self) -> int:
        """Return microseconds since 1970-01-01T00:00:00Z."""


class Entropy(Protocol):
    """Random bytes."""

    def token(self, size: int) -> bytes:
        """Return `size` bytes, unpredictable unless fixed on purpose."""


class Sources(NamedTuple):
    """The injected inputs of one process.

    Attributes:
        identity: who runs this process, ``user@host``; recorded at the start of an epoch.
    """

    clock: Clock
    entropy: Entropy
    identity: str


class SystemClock:
    """The machine's wall clock."""

    def now_us(self) -> int:
        """Return microseconds since 1970-01-01T00:00:00Z."""
        return time.time_ns() // 1_000


class SystemEntropy:
    """The machine's random number generator."""

    def token(self, size: int) -> bytes:
        """Return `size` unpredictable bytes."""
        return os.urandom(size)


class FixedClock:
    """A clock that stands still."""

    def __init__(self, at_us: int) -> None:
        self._at_us = at_us

    def now_us(self) -> int:
        """Return the one time of this clock."""
        return self._at_us


class FixedEntropy:
    """A predictable stream, for reproducible runs only: SHA-256 of a counter."""

    def __init__(self) -> None:
        self._count = 0

    def token(self, size: int) -> bytes:
        """Return the next `size` bytes of the stream."""
        stream = b""
        while len(stream) < size:
            stream += sha256(self._count.to_bytes(8, "big")).digest()
            self._count += 1
        return stream[:size]


def boot_s() -> float:
    """Return seconds since the machine started, those asleep included (CLOCK_BOOTTIME)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def system_sources() -> Sources:
    """Return the machine's clock and entropy, and ``user@host``."""
    try:
        user = getuser()
    except (KeyError, OSError):  # a container may run under a uid that has no name
        user = str(os.getuid())
    return Sources(SystemClock(), SystemEntropy(), f"{user}@{socket.gethostname()}")


def fixed_sources(at_us: int) -> Sources:
    """Return sources that give the same time, identity and entropy in every run."""
    return Sources(FixedClock(at_us), FixedEntropy(), "fixed")


def parse_sources(text: str) -> Sources:
    """Return the sources that a ``--clock`` option names: ``system`` or ``fixed:RFC3339``.

    Raises:
        UsageError: the text is neither.
    """
    if text == "system":
        return system_sources()
    scheme, _, moment = text.partition(":")
    if scheme != "fixed":
        raise UsageError(f"--clock {text!r}: allowed are 'system' and 'fixed:<RFC 3339 time>'")
    return fixed_sources(parse_time(moment))


def parse_time(text: str) -> int:
    """Return the microseconds since 1970 of an RFC 3339 time with its offset.

    Raises:
        UsageError: the text is not such a time, or is before 1970.
    """
    example = "2026-01-01T00:00:00Z"
    if not _RFC3339.fullmatch(text):
        raise UsageError(f"time {text!r} is not RFC 3339, such as {example}")
    try:
        moment = datetime.fromisoformat(text.upper())
        elapsed = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"time {text!r} is not RFC 3339, such as {example}: {error}") from None
    micros = (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
    if micros < 0:
        raise UsageError(f"time {text!r} is before 1970")
    return micros


def format_time(time_us: int) -> str:
    """Return RFC 3339 in UTC with microseconds, the form that sorts as text."""
    seconds, micros = divmod(time_us, 1_000_000)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):  # past the year 9999
        return f"{time_us}us"
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{micros:06d}Z"
