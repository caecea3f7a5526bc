"""Logs that this user may only read, or not even that, and the lock file that readers write."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import SinkCorrupt, SinkUnavailable
from rynxs.testing.histories import history
from rynxs_sink_lmdb.records import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rynxs_sink_lmdb.environment import Snapshot

# Root may do everything, so it turns into nobody.
AS_NOBODY = """
from rynxs.eventlog.audit import Audit
import rynxs_sink_lmdb.plugin
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for line in sys.stdin:
    how, path = line.split()
    try:
        sink = writer(path) if how == "write" else reader(path)
        for batch in Audit(sink, []).batches():
            pass
        say(f"fine {sink.size()} {sink._environment.file.opened.lock is not None}")
        sink.close()
    except RynxsError as error:
        say(f"{type(error).__name__} {error.exit_code} {error}")
"""


def _lock(path: Path) -> Path:
    return path.with_name(f"{path.name}-lock")


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory to which every user finds the way."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def public_log(public: Path, open_writer: Callable[..., Any]) -> Path:
    """A log that everybody may read; it is closed, and has no lock file."""
    path = public / "log.mdb"
    writer = open_writer(path)
    writer.append(0, history(7))
    writer.close()
    path.chmod(0o644)
    _lock(path).unlink()
    return path


@pytest.fixture
def as_nobody(child: Callable[..., Any]) -> Callable[[Path, str], str]:
    """Open a log as a user without rights, and return what came of it."""

    nobody = child(AS_NOBODY)

    def run(path: Path, how: str) -> str:
        nobody.stdin.write(f"{how} {path}\n")
        nobody.stdin.flush()
        return str(nobody.stdout.readline().strip())

    return run


def test_a_reader_changes_nothing_and_makes_no_lock_file(
    public_log: Path,
    open_reader: Callable[..., Any],
    files: Callable[[Path], dict[str, bytes]],
) -> None:
    before = files(public_log.parent)
    reader = open_reader(public_log)
    assert list(reader.read()) == list(history(7))
    reader.close()
    assert files(public_log.parent) == before


def test_a_reader_without_a_lock_file_takes_to_the_one_that_a_writer_makes(
    public_log: Path,
    open_reader: Callable[..., Any],
    child: Callable[..., Any],
) -> None:
    reader = open_reader(public_log)
    assert reader.size() == 7
    assert reader._environment.file.opened.lock is None
    script = "sink = writer(sys.argv[1]); sink.append(7, history(9)[7:]); say(sink.size())"
    assert child(script, public_log).communicate() == ("9\n", "")
    assert list(reader.read()) == list(history(9))
    assert reader._environment.file.opened.lock is not None


def test_a_reader_without_a_lock_file_stops_when_a_writer_comes_and_goes_on_after_it(
    public_log: Path,
    open_reader: Callable[..., Any],
    child: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rynxs_sink_lmdb.place.lock_is_usable", lambda _: False)
    reader = open_reader(public_log)
    assert reader.size() == 7
    other = child('sink = writer(sys.argv[1]); say("open"); sys.stdin.readline()', public_log)
    assert other.stdout.readline() == "open\n"
    for use in (reader.size, lambda: list(reader.read()), lambda: open_reader(public_log)):
        with pytest.raises(SinkUnavailable, match="another process has the log open"):
            use()
    assert other.communicate("\n") == ("", "")
    assert tuple(reader.read()) == history(7)


@pytest.mark.parametrize("batches", [1, 3])
@pytest.mark.parametrize("fails", [False, True])
def test_what_was_read_without_a_lock_file_while_a_writer_came_by_is_read_again(
    fails: bool,
    batches: int,
    public_log: Path,
    open_reader: Callable[..., Any],
    child: Callable[..., Any],
) -> None:
    """After one transaction the pages are still there; after three they may be written over."""
    script = """
sink = writer(sys.argv[1])
for seq in range(7, 7 + int(sys.argv[2])):
    sink.append(seq, history(seq + 1)[seq:])
"""
    seen = []

    def work(snapshot: Snapshot) -> int:
        seen.append(count(snapshot))
        if len(seen) == 1:
            assert child(script, public_log, batches).communicate() == ("", "")
            if fails:
                raise SinkCorrupt(3, "damaged, or so it seems")
        return seen[-1]

    environment = open_reader(public_log)._environment
    if batches == 1 and fails:
        with pytest.raises(SinkCorrupt):
            environment.read(work)
    else:
        assert environment.read(work) == (7 if batches == 1 else 10)
    assert seen == ([7] if batches == 1 else [7, 10])


def test_a_log_of_another_user_can_be_read_and_not_written(
    public_log: Path, as_nobody: Callable[..., str], files: Callable[[Path], dict[str, bytes]]
) -> None:
    before = files(public_log.parent)
    assert as_nobody(public_log, "read") == "fine 7 False"
    told = as_nobody(public_log, "write")
    assert told == f"SinkUnavailable 3 {public_log}: Permission denied"
    assert files(public_log.parent) == before


def test_beside_a_live_writer_a_reader_needs_the_lock_file(
    public_log: Path, as_nobody: Callable[..., str], open_writer: Callable[..., Any]
) -> None:
    writer = open_writer(public_log)
    _lock(public_log).chmod(0o644)
    told = as_nobody(public_log, "read")
    assert "another process has the log open; to read beside it, this user must be able" in told
    assert str(_lock(public_log)) in told
    _lock(public_log).chmod(0o600)
    told = as_nobody(public_log, "read")
    assert told == f"SinkUnavailable 3 {_lock(public_log)}: Permission denied"
    _lock(public_log).chmod(0o666)
    assert as_nobody(public_log, "read") == "fine 7 True"
    writer.close()
    _lock(public_log).chmod(0o644)
    assert as_nobody(public_log, "read") == "fine 7 False"


def test_a_directory_that_must_not_be_written_is_told(
    public: Path, as_nobody: Callable[..., str]
) -> None:
    (public / "others").mkdir(mode=0o555)
    for path in (public / "others" / "log.mdb", public / "others" / "deep" / "log.mdb"):
        told = as_nobody(path, "write")
        assert told.startswith(f"SinkUnavailable 3 {public / 'others'}/"), told
        assert told.endswith("Permission denied")


def test_a_log_that_must_not_be_read_is_told(
    public_log: Path, as_nobody: Callable[..., str]
) -> None:
    public_log.chmod(0o600)
    assert as_nobody(public_log, "read") == f"SinkUnavailable 3 {public_log}: Permission denied"


def test_a_file_made_for_the_log_below_a_directory_that_must_not_be_read_will_do(
    public: Path, as_nobody: Callable[..., str]
) -> None:
    (public / "private" / "log").mkdir(parents=True)
    (public / "private" / "log").chmod(0o777)
    (public / "private").chmod(0o311)
    assert as_nobody(public / "private" / "log" / "log.mdb", "write") == "fine 0 True"
    (public / "private").chmod(0o755)
