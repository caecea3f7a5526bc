"""Files that are cut or garbled: no wrong record is read, and what can be told is told."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import Record, SinkCorrupt, SinkError, SinkUnavailable
from rynxs.testing.histories import history

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGE = 4096
COUNT = 400
FLIPS = 100

# Where the fields are that this sink looks at, in a meta page of a 64-bit machine.
FLAGS, MAGIC, VERSION, PAGE_SIZE, LAST_PAGE, TRANSACTION = 10, 16, 20, 40, 136, 144

USE_WHILE_IT_IS_CUT = """
import shutil
for size in map(int, sys.argv[2:]):
    path = f"{sys.argv[1]}-{size}"
    shutil.copyfile(sys.argv[1], path)
    sink, other = writer(path), reader(path)
    os.truncate(path, size)
    for use in (sink.size, other.size, lambda: list(other.read()), lambda: sink.get("name"),
                lambda: sink.append(400, history(401)[400:]), lambda: writer(path)):
        try:
            use()
        except SinkCorrupt as error:
            assert "the file is cut" in str(error), error
        else:
            say("unnoticed")
    say("over")
"""

# Every image is opened in a process of its own, for LMDB ends the process at some damage.
TRY = """
records = history(450)

def use(path):
    found = []
    try:
        sink = writer(path)
        try:
            for record in sink.read():
                found.append(record)
        finally:
            say(tuple(found) == records[:len(found)] and len(found))
        size = sink.size()
        sink.append(size, records[size:])
        sink.put("name", b"data" * 1000)
        return "fine" if tuple(sink.read()) == records else "wrong"
    except RynxsError as error:
        return type(error).__name__

os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # where LMDB tells what it dies of
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        say(use(line.strip()))
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    say(f"died {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "over")
"""


@pytest.fixture
def image(make_log: Callable[[int], list[Record]], log_path: Path) -> bytearray:
    """The bytes of a log with some pages of every kind."""
    make_log(COUNT)
    return bytearray(log_path.read_bytes())


def _newest(image: bytearray) -> int:
    """Return the offset of the meta page that counts."""
    first, second = (struct.unpack_from("=Q", image, at + TRANSACTION)[0] for at in (0, PAGE))
    return 0 if first > second else PAGE


def test_a_file_that_is_cut_is_told_and_does_not_end_the_process(
    image: bytearray,
    log_path: Path,
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    for size in (len(image) - 1, len(image) - PAGE, len(image) // 2, 5 * PAGE, 2 * PAGE, PAGE + 1):
        log_path.write_bytes(image[:size])
        for opened in (open_writer, open_reader):
            with pytest.raises(SinkCorrupt, match=r"the file is cut|meta pages is damaged"):
                opened(log_path)
        assert log_path.stat().st_size == size
    log_path.write_bytes(image)
    assert tuple(open_reader(log_path).read()) == history(COUNT)


def test_a_file_that_is_cut_while_it_is_open_is_told_at_the_next_use(
    make_log: Callable[[int], list[Record]], log_path: Path, child: Callable[..., Any]
) -> None:
    make_log(COUNT)
    sizes = (0, 1, PAGE, 2 * PAGE, 10 * PAGE)
    assert child(USE_WHILE_IT_IS_CUT, log_path, *sizes).communicate() == ("over\n" * 5, "")


def test_bytes_behind_the_last_page_do_no_harm(
    image: bytearray, log_path: Path, open_writer: Callable[..., Any]
) -> None:
    log_path.write_bytes(image + b"left behind by a write that was not finished")
    writer = open_writer(log_path)
    writer.append(COUNT, history(COUNT + 100)[COUNT:])
    assert tuple(writer.read()) == history(COUNT + 100)


@pytest.mark.parametrize("offset", [FLAGS, MAGIC, VERSION, PAGE_SIZE, TRANSACTION])
@pytest.mark.parametrize("which", ["the newest", "the other"])
def test_a_meta_page_that_can_not_be_as_it_is_is_told(
    which: str,
    offset: int,
    image: bytearray,
    log_path: Path,
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    """Taken for granted, the other one would bring back the log of one transaction before."""
    page = _newest(image) if which == "the newest" else PAGE - _newest(image)
    for bit in (3, 6):
        image[page + offset] ^= 1 << bit
        log_path.write_bytes(image)
        for opened in (open_writer, open_reader):
            with pytest.raises(SinkCorrupt, match="meta pages"):
                opened(log_path)
        image[page + offset] ^= 1 << bit


def test_a_transaction_that_passes_for_an_older_one_is_told_by_its_last_page(
    log_path: Path, open_writer: Callable[..., Any]
) -> None:
    """Else LMDB would take up the log as it was before it."""
    writer = open_writer(log_path)
    writer.append(0, history(100)[:50])
    for start in range(50, 100):
        writer.append(start, history(100)[start : start + 1])
        image = bytearray(log_path.read_bytes())
        newest = _newest(image)
        number, last = (
            struct.unpack_from("=Q", image, newest + at)[0] for at in (TRANSACTION, LAST_PAGE)
        )
        if last > struct.unpack_from("=Q", image, PAGE - newest + LAST_PAGE)[0]:
            break
    writer.close()
    struct.pack_into("=Q", image, newest + TRANSACTION, number - 2)
    log_path.write_bytes(image)
    with pytest.raises(SinkCorrupt, match="the last transaction freed the end"):
        open_writer(log_path)


def test_a_last_page_beyond_the_file_is_told(
    image: bytearray, log_path: Path, open_reader: Callable[..., Any]
) -> None:
    image[_newest(image) + LAST_PAGE + 2] ^= 1
    log_path.write_bytes(image)
    with pytest.raises(SinkCorrupt, match=r"the file is cut, [0-9]+ of [0-9]+ bytes are gone"):
        open_reader(log_path)


@pytest.mark.parametrize("page", [0, PAGE])
def test_a_meta_page_that_is_gone_is_told(
    page: int, image: bytearray, log_path: Path, open_writer: Callable[..., Any]
) -> None:
    for garbage in (bytes(PAGE), bytes(range(256)) * 16):
        image[page : page + PAGE] = garbage
        log_path.write_bytes(image)
        with pytest.raises(SinkCorrupt, match="one of the two meta pages is damaged"):
            open_writer(log_path)


def test_meta_pages_in_each_others_place_are_told(
    image: bytearray, log_path: Path, open_writer: Callable[..., Any]
) -> None:
    log_path.write_bytes(image[PAGE : 2 * PAGE] + image[:PAGE] + image[2 * PAGE :])
    with pytest.raises(SinkCorrupt, match="the meta pages say transactions"):
        open_writer(log_path)


def test_without_any_meta_page_it_is_not_a_file_of_lmdb(
    image: bytearray, log_path: Path, open_writer: Callable[..., Any]
) -> None:
    log_path.write_bytes(bytes(2 * PAGE) + image[2 * PAGE :])
    with pytest.raises(SinkUnavailable, match="not a file of LMDB"):
        open_writer(log_path)


def test_a_page_that_lmdb_refuses_is_told_with_the_seq_that_was_asked_for(
    image: bytearray, log_path: Path, open_reader: Callable[..., Any]
) -> None:
    header = history(200)[150].header
    page = bytes(image).index(header) // PAGE * PAGE
    image[page + FLAGS] |= 0x10  # dirty, which no page on a disk is
    log_path.write_bytes(image)
    reader = open_reader(log_path)
    found: list[Record] = []
    with pytest.raises(SinkCorrupt, match="the file is damaged, LMDB says") as caught:
        found.extend(reader.read())
    assert 100 < len(found) == caught.value.seq <= 150
    assert tuple(found) == history(len(found))
    with pytest.raises(SinkError):
        list(reader.read(150))
    assert tuple(reader.read(300)) == history(COUNT)[300:]


def test_of_flipped_bits_none_passes_a_wrong_record_off(
    image: bytearray, log_path: Path, child: Callable[..., Any]
) -> None:
    """LMDB may end the process, but what was read until then is what was written."""
    trying = child(TRY)
    chance = random.Random(4)
    pages = [page for page in range(2, len(image) // PAGE) if image[page * PAGE + FLAGS] in {1, 2}]
    outcomes = set()
    for number in range(FLIPS):
        damaged = bytearray(image)
        damaged[chance.choice(pages) * PAGE + chance.randrange(PAGE)] ^= 1 << chance.randrange(8)
        path = log_path.with_name(f"flip-{number}")
        path.write_bytes(damaged)
        trying.stdin.write(f"{path}\n")
        trying.stdin.flush()
        told = list(iter(trying.stdout.readline, "over\n"))
        if told[-1].startswith("died"):
            assert told.pop() == "died 6\n"
        read, *outcome = [line.strip() for line in told] or ["0"]
        assert read.isdigit() or read == "SinkCorrupt", told
        assert "wrong" not in outcome
        outcomes.update(outcome)
        path.unlink()
    assert outcomes == {"fine", "SinkCorrupt"}
