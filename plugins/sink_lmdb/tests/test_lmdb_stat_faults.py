"""A look at a file that fails, at any moment: what was asked is refused, and can be done again."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import Record, SinkUnavailable
from rynxs.testing.histories import history

if TYPE_CHECKING:
    from collections.abc import Callable

OCCURRENCES_MAX = 200


class _Looks:
    """Counts the uses of `Path.stat`, and lets one of them fail."""

    def __init__(self, occurrence: int) -> None:
        self.count = 0
        self._occurrence = occurrence
        self._real = Path.stat

    def stat(self, path: Path, **options: Any) -> os.stat_result:
        self.count += 1
        if self.count == self._occurrence:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return self._real(path, **options)


def _twice(do: Callable[..., Any], *arguments: Any) -> Any:
    """Do something, and once more if it can't be done."""
    try:
        return do(*arguments)
    except SinkUnavailable as error:
        assert os.strerror(errno.EIO) in str(error)  # noqa: PT017
        return do(*arguments)


def test_whatever_is_being_done_can_be_done_again(
    tmp_path: Path,
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records = list(history(5))
    for occurrence in range(1, OCCURRENCES_MAX):
        path = tmp_path / f"{occurrence}.mdb"
        looks = _Looks(occurrence)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "stat", lambda path, looks=looks, **more: looks.stat(path, **more))
            for start, stop in ((0, 3), (3, 5)):
                writer = _twice(open_writer, path)
                _twice(writer.append, start, records[start:stop])
                reader = _twice(open_reader, path)
                assert _twice(reader.size) == stop
                if start:
                    _twice(writer.erase, (1,))
                writer.close()
                assert _twice(reader.size) == stop
                reader.close()
        wanted = [*records[:1], Record(records[1].header, b"", None), *records[2:]]
        assert list(open_reader(path).read()) == wanted
        if looks.count < occurrence:
            return
    pytest.fail(f"a file was looked at over {OCCURRENCES_MAX} times")
