"""Places where no log can be, or not for this user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import SinkUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rynxs.api import Record

    Log = tuple[Path, list[Record]]

# Root may do everything, so it turns into nobody; the relative path spares it the way there.
AS_NOBODY = """
import os, sys
from rynxs.errors import RynxsError
from rynxs.eventlog.audit import Audit
from rynxs_sink_file.reader import FileReader
from rynxs_sink_file.settings import FileSettings
from rynxs_sink_file.writer import FileWriter
settings = FileSettings.model_validate({"path": sys.argv[2]})
os.chdir(sys.argv[1])
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    sink = FileWriter(settings, "nobody") if sys.argv[3] == "write" else FileReader(settings)
    for batch in Audit(sink, []).batches():
        pass
    sink.incidents()
    sink.close()
    print("fine", sink.size())
except RynxsError as error:
    print(type(error).__name__, error.exit_code, error)
"""


@pytest.fixture
def as_nobody(tmp_path: Path, child: Callable[..., Any]) -> Callable[[str, str], str]:
    """Open a log below `tmp_path` as a user without rights, and return what came of it."""

    tmp_path.chmod(0o755)

    def run(path: str, how: str) -> str:
        out, errors = child(AS_NOBODY, tmp_path, path, how).communicate()
        assert errors == ""
        return str(out).strip()

    return run


def test_a_file_is_no_log(
    tmp_path: Path, open_writer: Callable[..., Any], open_reader: Callable[..., Any]
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"precious")
    for path in (file, file / "below"):
        for opened in (open_writer, open_reader):
            with pytest.raises(SinkUnavailable, match=str(file)):
                opened(path)
    assert file.read_bytes() == b"precious"


def test_a_reader_says_that_there_is_no_log_and_makes_none(
    tmp_path: Path, open_reader: Callable[..., Any]
) -> None:
    with pytest.raises(SinkUnavailable, match="no log is here"):
        open_reader(tmp_path / "missing")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "photo.jpg").write_bytes(b"")
    with pytest.raises(SinkUnavailable, match="not the directory of a log"):
        open_reader(tmp_path / "other")
    assert {path.name for path in tmp_path.rglob("*")} == {"other", "photo.jpg"}


def test_a_log_that_goes_away_beneath_a_reader_is_unavailable(
    make_log: Callable[..., Log], open_reader: Callable[..., Any]
) -> None:
    path, _ = make_log([2])
    reader = open_reader(path)
    path.rename(path.with_name("moved"))
    with pytest.raises(SinkUnavailable, match="No such file or directory"):
        reader.size()
    with pytest.raises(SinkUnavailable, match="No such file or directory"):
        next(reader.read())


@pytest.mark.parametrize("name", ["LOCK", "segments", "objects", "durable", "quarantine"])
def test_something_else_in_the_place_of_a_part_of_the_log_is_a_typed_error(
    name: str,
    make_log: Callable[..., Log],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    path, records = make_log([2])
    part = path / name
    if part.exists():
        part.rename(path / "moved")
    if name in {"LOCK", "durable"}:
        part.mkdir()
    else:
        part.write_bytes(b"")
    with pytest.raises(SinkUnavailable, match=name):
        open_writer(path).incidents()
    if name == "LOCK":
        assert list(open_reader(path).read()) == records
    elif name == "objects":
        assert open_reader(path).list() == []
    else:
        with pytest.raises(SinkUnavailable, match=name if name != "segments" else "directory"):
            _ = list(open_reader(path).read()), open_reader(path).incidents()


def test_strange_file_names_beside_the_segments_are_left_alone(
    make_log: Callable[..., Log],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    path, records = make_log([2])
    for name in (
        "1.seg",
        "x" * 20 + ".seg",
        f"{5:020d}.seg.bak",
        f"{5:021d}.seg",
        "٣" * 20 + ".seg",
    ):
        (path / "segments" / name).write_bytes(b"")
    assert list(open_reader(path).read()) == records
    assert list(open_writer(path).read()) == records


def test_a_directory_that_must_not_be_written_is_told(
    tmp_path: Path, as_nobody: Callable[[str, str], str]
) -> None:
    (tmp_path / "others").mkdir(mode=0o555)
    told = as_nobody("others/deep/log", "write")
    assert told == "SinkUnavailable 3 others/deep: Permission denied"


def test_a_log_of_another_user_can_be_read_and_not_written(
    make_log: Callable[..., Log],
    as_nobody: Callable[[str, str], str],
    files: Callable[[Path], dict[str, bytes]],
) -> None:
    path, _ = make_log([2])
    _chmod(path, 0o555, 0o444)
    before = files(path)
    assert as_nobody("log", "read") == "fine 2"
    assert as_nobody("log", "write") == "SinkUnavailable 3 log/LOCK: Permission denied"
    assert files(path) == before
    _chmod(path, 0o755, 0o644)


@pytest.mark.parametrize(
    "part", ["segments", "durable", "objects", "objects/checkpoints", "quarantine"]
)
def test_a_part_of_the_log_that_must_not_be_read_is_told_and_never_taken_for_empty(
    part: str, make_log: Callable[..., Log], as_nobody: Callable[[str, str], str]
) -> None:
    path, _ = make_log([2])
    (path / "objects" / "checkpoints").mkdir()
    (path / "quarantine").mkdir()
    (path / part).chmod(0)
    told = as_nobody("log", "read")
    assert told.startswith(f"SinkUnavailable 3 log/{part}"), told
    assert told.endswith("Permission denied")
    (path / part).chmod(0o755)


def test_a_directory_made_for_the_log_below_one_that_must_not_be_read_will_do(
    tmp_path: Path, as_nobody: Callable[[str, str], str]
) -> None:
    (tmp_path / "private" / "log").mkdir(parents=True)
    (tmp_path / "private" / "log").chmod(0o777)
    (tmp_path / "private").chmod(0o311)
    assert as_nobody("private/log", "write") == "fine 0"
    (tmp_path / "private").chmod(0o755)


def _chmod(root: Path, directory: int, file: int) -> None:
    for path in (root, *root.rglob("*")):
        path.chmod(directory if path.is_dir() else file)


def test_a_directory_in_use_for_something_else_does_not_become_a_log(
    tmp_path: Path, open_writer: Callable[..., Any]
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/precious.md").write_text("mine")
    with pytest.raises(SinkUnavailable, match="not empty and not a log"):
        open_writer(tmp_path / "docs")
    assert [path.name for path in (tmp_path / "docs").iterdir()] == ["precious.md"]
    (tmp_path / "empty").mkdir()
    open_writer(tmp_path / "empty").close()
