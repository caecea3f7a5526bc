from __future__ import annotations

import pytest

from rynxs.errors import LogCorrupt
from rynxs.eventlog.audit import Audit
from rynxs.report.pinned import Pinned
from rynxs.testing.histories import history
from rynxs.testing.memory import MemorySink


def pinned(sink: MemorySink) -> Pinned:
    made = Pinned(sink)
    audit = Audit(made, [])
    for _ in audit.batches():
        pass
    made.pin(audit.result().size, audit.result().tip.head)
    return made


def test_records_that_a_live_writer_appends_are_not_read() -> None:
    sink = MemorySink()
    sink.append(0, history(3))
    audited = pinned(sink)
    sink.append(3, history(5)[3:])
    assert audited.size() == 3
    assert list(audited.read()) == list(history(3))
    assert list(audited.read(1, 2)) == list(history(3)[1:2])


def test_a_log_that_is_replaced_after_the_audit_is_refused() -> None:
    sink = MemorySink()
    sink.append(0, history(3))
    audited = pinned(sink)
    sink.records[:] = history(3, "another")
    with pytest.raises(LogCorrupt, match="record 2: is not what it was"):
        list(audited.read())


def test_a_log_that_is_cut_after_the_audit_is_refused() -> None:
    sink = MemorySink()
    sink.append(0, history(3))
    audited = pinned(sink)
    del sink.records[2:]
    with pytest.raises(LogCorrupt, match="record 2: is gone"):
        list(audited.read())
