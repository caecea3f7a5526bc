"""What a call reads from outside its arguments is noticed, however it is read."""

from __future__ import annotations

import datetime as dt
import functools
import os
import random
import re
import secrets
import socket
import sys
import time
import uuid
from pathlib import Path, PurePosixPath
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.testing.pure.watch import watched

if TYPE_CHECKING:
    from collections.abc import Callable


def swallowed() -> None:
    try:
        raise ValueError(time.time())
    except ValueError:
        pass


READING: dict[str, Callable[[], Any]] = {
    "time.time()": swallowed,
    "time.monotonic_ns()": lambda: monotonic_ns(),  # noqa: PLW0108 - a caller in Python
    "time.perf_counter()": lambda: time.perf_counter(),  # noqa: PLW0108
    "time.localtime()": lambda: time.localtime(0),
    "datetime.now()": lambda: dt.datetime.now(dt.UTC),
    "date.today()": lambda: dt.date.today(),  # noqa: DTZ011, PLW0108
    "random.random()": lambda: random.random(),  # noqa: PLW0108
    "random.getrandbits()": lambda: random.sample(range(9), 2),
    "os.urandom()": lambda: (uuid.uuid4(), secrets.token_hex()),
    "os.environ": lambda: os.getenv("HOME"),
    "os.getpid()": lambda: os.getpid(),  # noqa: PLW0108
    "os.stat()": lambda: Path("x").exists(),
    "os.listdir()": lambda: os.listdir("."),  # noqa: PTH208
    "open()": lambda: Path(os.devnull).read_text(encoding="utf-8"),
    "socket.gethostname()": lambda: socket.gethostname(),  # noqa: PLW0108
}


@pytest.mark.parametrize("name", READING)
def test_a_call_that_reads_from_outside_is_noticed(name: str) -> None:
    with watched() as reads:
        READING[name]()
    assert reads
    assert reads[0].startswith(name) or f".{name}" in reads[0]


def test_the_way_to_a_read_is_told_once() -> None:
    with watched() as reads:
        for _ in range(3):
            swallowed()
    line = swallowed.__code__.co_firstlineno + 2
    assert len(reads) == 1
    assert reads[0].startswith(f"time.time() <- swallowed (test_watch.py:{line})")


def test_what_depends_on_its_arguments_alone_is_not_noticed() -> None:
    with watched() as reads:
        random.Random(3).random()
        uuid.uuid5(uuid.NAMESPACE_DNS, "x")
        dt.datetime.fromtimestamp(0, dt.UTC).isoformat()
        time.strftime("%Y", time.gmtime(0))
        PurePosixPath("a/../b").parent.joinpath("c").as_posix()
        os.path.normpath("a/../b")
        re.compile("(a|b)+").match("ab")
        functools.reduce(max, [1, 2])
    assert reads == []


def test_a_module_that_is_imported_on_first_use_is_not_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "imported_late.py").write_text("import time\nSTARTED = time.time()\n")
    monkeypatch.syspath_prepend(tmp_path)
    with watched() as reads:
        import imported_late  # type: ignore[import-not-found]
    assert reads == []
    monkeypatch.delitem(sys.modules, "imported_late")
    assert imported_late.STARTED


def test_nothing_is_watched_afterwards() -> None:
    before = sys.getprofile()
    with watched() as reads:
        pass
    time.time()
    assert reads == []
    assert sys.getprofile() is before
