"""Watching a call for what it reads from outside its arguments.

Functions are recognised as they are called, by the interpreter's profiling hook, and not replaced:
it makes no difference how a plugin imported them, and one that swallows exceptions hides nothing.
A function that C code calls (a key function, a pydantic default factory) is not seen.
"""

from __future__ import annotations

import gc
import os
import random
import sys
from contextlib import contextmanager
from datetime import date
from pathlib import PurePath
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_CLOCKS = {"monotonic", "perf_counter", "process_time", "thread_time", "clock_gettime", "time"}
_READING_FUNCTIONS: Final = {
    "_io": {"open", "open_code"},
    "_posixsubprocess": {"fork_exec"},
    "_socket": {"getaddrinfo", "gethostbyaddr", "gethostbyname", "gethostname", "getnameinfo"},
    "_uuid": {"generate_time_safe"},
    "builtins": {"input"},
    "io": {"open", "open_code"},
    "time": {*_CLOCKS, *(f"{clock}_ns" for clock in _CLOCKS), "localtime", "sleep"},
}
_PURE_OF_OS: Final = {
    "_path_normpath", "_path_splitroot", "_path_splitroot_ex", "fspath", "strerror"
}  # fmt: skip
_DATE_METHODS: Final = {"now", "today", "utcnow"}
_GLOBAL_RANDOM: Final = getattr(random.random, "__self__", None)
_ENVIRONMENT: Final = {
    getattr(type(os.environ), name).__code__ for name in ("__getitem__", "__iter__", "__len__")
}


@contextmanager
def watched() -> Iterator[list[str]]:
    """Yield a list that gets a line for every clock, file and the like that is read meanwhile.

    A line names the call and the way to it: ``time.time() <- reduce (acme_widget.py:27)``.
    """
    reads: list[str] = []

    def note(frame: FrameType, event: str, function: Any) -> None:
        name = _read_by(frame, event, function)
        if name is not None:
            way = _way_to(frame)
            line = " <- ".join([name, *way])
            # A module that is imported on first use is read from a file, once; that is no input.
            if not any("<frozen importlib" in step for step in way) and line not in reads:
                reads.append(line)

    before = sys.getprofile()
    collecting = gc.isenabled()
    gc.disable()  # or a finaliser of somebody else's object may close a file in here
    sys.setprofile(note)
    try:
        yield reads
    finally:
        sys.setprofile(before if callable(before) else None)  # cProfile's can't be set again
        if collecting:
            gc.enable()


def _read_by(frame: FrameType, event: str, function: Any) -> str | None:
    """Return what a profiling event reads from outside, None for nothing."""
    if event == "call":
        return "os.environ" if frame.f_code in _ENVIRONMENT else None
    if event != "c_call":
        return None
    owner, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
    if isinstance(owner, ModuleType):
        if owner.__name__ == "posix":
            return None if name in _PURE_OF_OS else f"os.{name}()"
        reading = _READING_FUNCTIONS.get(owner.__name__, ())
        return f"{owner.__name__.removeprefix('_')}.{name}()" if name in reading else None
    if isinstance(owner, type) and issubclass(owner, date) and name in _DATE_METHODS:
        return f"{owner.__name__}.{name}()"
    return f"random.{name}()" if owner is _GLOBAL_RANDOM else None


def _way_to(frame: FrameType | None) -> list[str]:
    """Return function, file and line of the frames from the innermost one out to this kit."""
    way = []
    while frame is not None and not frame.f_globals.get("__name__", "").startswith("rynxs.testing"):
        file = frame.f_code.co_filename
        shown = file if file.startswith("<") else PurePath(file).name
        way.append(f"{frame.f_code.co_name} ({shown}:{frame.f_lineno})")
        frame = frame.f_back
    return way
