"""Where a leader can be killed: before and after each function of what takes part in its work.

They are found in the modules, so that a step that is added is a point by itself.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from functools import wraps
from importlib import import_module
from inspect import isasyncgenfunction, iscoroutinefunction, isfunction, isgeneratorfunction
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODULES = (
    "rynxs.operator.applier",
    "rynxs.operator.leader",
    "rynxs.operator.status_writer",
    "rynxs.operator.takeover",
    "rynxs.operator.term",
    "rynxs.operator.upkeep",
    "rynxs.operator.writer",
    "rynxs.engine.pipeline",
    "rynxs.eventlog.log",
    "rynxs.eventlog.publication",
    "rynxs.embedded.snapshots",
    "rynxs_sink_file.open_segment",
    "rynxs_sink_file.writer",
    "rynxs_sink_s3.writer",
)


class Points:
    """Counts how often each point is reached, and ends the process at one of them."""

    def __init__(self, doomed: str | None, times: int) -> None:
        """Count from now on.

        Args:
            doomed: The point at which the process ends as if by `kill -9`; None for nowhere.
            times: How often it must have been reached.
        """
        self.counts: Counter[str] = Counter()
        self._doomed = doomed
        self._times = times
        self._lock = Lock()

    def reach(self, point: str) -> None:
        """Take in that a point is reached."""
        with self._lock:
            self.counts[point] += 1
            if point == self._doomed and self.counts[point] == self._times:
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Put the points in: all functions and methods of the modules are replaced."""
        for name in MODULES:
            module = import_module(name)
            for holder, attribute, function in list(_functions(module)):
                point = f"{name}.{function.__qualname__}"
                put_in = self._watched(function, point)
                if holder is not module:
                    setattr(holder, attribute, put_in)
                    continue
                for other in _ours():  # who has imported it by its name
                    if vars(other).get(attribute) is function:
                        setattr(other, attribute, put_in)

    def _watched(self, function: Callable[..., Any], point: str) -> Callable[..., Any]:
        @wraps(function)
        async def waited_for(*arguments: Any, **options: Any) -> Any:
            self.reach(f"before {point}")
            try:
                return await function(*arguments, **options)
            finally:
                self.reach(f"after {point}")

        @wraps(function)
        def called(*arguments: Any, **options: Any) -> Any:
            self.reach(f"before {point}")
            try:
                return function(*arguments, **options)
            finally:
                self.reach(f"after {point}")

        return waited_for if iscoroutinefunction(function) else called


def _ours() -> list[Any]:
    return [module for name, module in sys.modules.items() if name.startswith("rynxs")]


def _functions(module: Any) -> Iterator[tuple[Any, str, Callable[..., Any]]]:
    """Yield what a module defines: who has it, under which name, and the function."""
    for attribute, found in vars(module).items():
        if getattr(found, "__module__", None) != module.__name__:
            continue
        if isinstance(found, type):
            for name, member in vars(found).items():
                if _is_step(member) and member.__module__ == module.__name__:
                    yield found, name, member
        elif _is_step(found):
            yield module, attribute, found


def _is_step(found: Any) -> bool:
    """Tell whether something is a function that does its work when it is called."""
    if not isfunction(found) or found.__name__.startswith("__"):
        return False
    return not (isgeneratorfunction(found) or isasyncgenfunction(found))
