"""After a fork: LMDB can not be used in the child as it was opened in the parent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORK = """
path = sys.argv[1]
sink, other = writer(path), reader(path)
sink.append(0, history(2))
reading = sink.read()
next(reading)
pid = os.fork()
if not pid:
    for use in (sink.size, other.size, lambda: sink.append(2, history(3)[2:]),
                lambda: sink.put("name", b""), lambda: sink.get("name"), sink.list,
                lambda: list(other.read())):
        try:
            use()
        except SinkUnavailable as error:
            assert "which forked this one" in str(error), error
        else:
            say("used")
    sink.close()
    mine = writer(path)
    mine.append(2, history(3)[2:])
    mine.close()
    other.close()
    os._exit(0)
say(os.waitpid(pid, 0)[1])
say([sink.size(), other.size(), len(list(reading))])
sink.append(3, history(4)[3:])
sink.close()
say(len(list(other.read())))
"""

FORK_IN_A_TRANSACTION = """
from rynxs.testing.histories import history
path = sys.argv[1]
sink = writer(path)

def fork(snapshot):
    global pid
    pid = os.fork()
    if not pid:
        try:
            writer(path)
        except SinkUnavailable as error:
            say(error)
        os._exit(0)
    os.waitpid(pid, 0)
    snapshot.txn.put(b"name", b"data", db=snapshot.objects)

sink._environment.write(fork)
say(sink.get("name").data)
sink.append(0, history(1))
"""


def test_after_a_fork_the_child_opens_the_log_anew_and_the_parent_goes_on(
    log_path: Path, child: Callable[..., Any]
) -> None:
    out, errors = child(FORK, log_path).communicate()
    assert errors == ""
    assert out.splitlines() == ["0", "[3, 3, 1]", "4"]


def test_a_fork_in_the_middle_of_a_transaction_does_not_touch_it(
    log_path: Path, child: Callable[..., Any]
) -> None:
    out, errors = child(FORK_IN_A_TRANSACTION, log_path).communicate()
    assert errors == ""
    told, data = out.splitlines()
    assert "already open in this process" in told
    assert data == "b'data'"
