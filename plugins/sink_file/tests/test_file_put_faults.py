"""Failing system calls while an object is put."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import ABSENT, SinkConflict, SinkUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ERRORS = ("EIO", "ENOSPC", "EINTR")
OCCURRENCES_MAX = 40


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("call", ["pwrite", "fsync", "open", "close", "replace"])
def test_a_put_during_which_a_call_fails_leaves_the_old_or_the_new_object(
    call: str,
    error: str,
    tmp_path: Path,
    faults: Callable[[], Any],
    open_writer: Callable[..., Any],
) -> None:
    writer = open_writer(tmp_path)
    for occurrence in range(1, OCCURRENCES_MAX):
        old, new = b"old %d" % occurrence, b"new %d" % occurrence
        version = writer.put("folder/name", old)
        with faults() as injected:
            injected.fail(call, occurrence, error)
            allowed = {new}
            try:
                writer.put("folder/name", new, version)
            except SinkUnavailable:
                allowed.add(old)
            used = injected.count
        assert writer.get("folder/name").data in allowed
        writer.put("folder/name", new)
        assert writer.get("folder/name").data == new
        assert writer.list() == ["folder/name"]
        if used < occurrence:
            return
    pytest.fail(f"{call} was used over {OCCURRENCES_MAX} times")


def test_a_put_of_what_is_there_is_durable_on_return_too(
    tmp_path: Path,
    faults: Callable[[], Any],
    open_writer: Callable[..., Any],
) -> None:
    writer = open_writer(tmp_path)
    writer.put("other", b"")
    with faults() as injected:
        injected.fail("fsync", 2, "EIO")  # the first is the file's, the second its directory's
        with pytest.raises(SinkUnavailable):
            writer.put("name", b"data", ABSENT)
    assert writer.get("name").data == b"data"
    with faults() as injected:
        injected.fail("fsync", 1, "EIO")
        with pytest.raises(SinkUnavailable):
            writer.put("name", b"data")
    with pytest.raises(SinkConflict):
        writer.put("name", b"data", ABSENT)
    writer.put("name", b"data")
