"""Log lines: one JSON object a line, without what the model and its tools say unless asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs_agent.secret import Secret

_CONTENT_SIZE_MAX = 10_000


class Log:
    """Writes what happens, a line each, at once.

    Args:
        file: where to.
        now_s: POSIX seconds.
        with_content: write also what tasks, models and tools say.
    """

    def __init__(
        self, file: TextIO, now_s: Callable[[], float], *, with_content: bool = False
    ) -> None:
        self._file = file
        self._now_s = now_s
        self._with_content = with_content
        self._hidden_in: Callable[[str], str] = str

    def hide(self, secret: Secret) -> None:
        """Let no line bear a credential."""
        self._hidden_in = secret.hidden_in

    def say(self, event: str, **fields: str | float | None) -> None:
        """Write that something happened, and more about it."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: str | float | None) -> None:
        """Write that something is not as it should be."""
        self._write("warning", event, fields)

    def content(self, event: str, text: str, **fields: str | float | None) -> None:
        """Write what was said, if that is asked for."""
        if self._with_content:
            self._write("info", event, {**fields, "content": text[:_CONTENT_SIZE_MAX]})

    def _write(self, level: str, event: str, fields: dict[str, str | float | None]) -> None:
        time = datetime.fromtimestamp(self._now_s(), UTC).isoformat(timespec="milliseconds")
        line = {"time": time.replace("+00:00", "Z"), "level": level, "event": event, **fields}
        told = {
            name: self._hidden_in(value) if isinstance(value, str) else value
            for name, value in line.items()
        }
        self._file.write(json.dumps(told) + "\n")
        self._file.flush()
