"""The two meta pages of an LMDB file, checked before LMDB maps the file.

LMDB has no checksums. It takes the meta page with the higher transaction number for granted, and a
process that reads beyond the end of a file that was cut is killed by the system. So whatever the
meta pages give away is looked at first: transaction N is always written to page N mod 2, beside
N - 1, the number of the last page never falls, and the file is never shorter than that.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, NamedTuple

from rynxs.api import SinkCorrupt, SinkUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

# A page's number, padding, flags, lower and upper bound; magic, version, address, map size; the
# databases of free pages and of names, of which the first one's padding is the page size; the last
# page, the transaction. All in the machine's order, sizes of 64 bits.
_DATABASE = "IHHQQQQQ"
_META = struct.Struct("=QHHHHIIQQ" + _DATABASE * 2 + "QQ")
_IS_META = 0x08
_MAGIC = 0xBEEFC0DE
_VERSION = 1
_PAGE_SIZES = tuple(2**power for power in range(8, 16))
_READ = _PAGE_SIZES[-1] + _META.size


class Meta(NamedTuple):
    """What is used of a meta page."""

    page_size: int
    last_page: int
    transaction: int


def check_file(path: str) -> bool:
    """Check the meta pages of a file and its length.

    Returns:
        Whether it has them. It has not if it is empty, or if who made it could not write both.

    Raises:
        SinkUnavailable: it is not a file of LMDB 0.9.
        SinkCorrupt: it is one, and is damaged or cut.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        head = _stable(lambda: os.pread(descriptor, _READ, 0))
        size = os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)
    first = _parse(head, 0)
    if not head or (first and not first.transaction and size < 2 * first.page_size):
        return False
    newest = _newest(path, _parse_both(path, head))
    check_length(path, size, newest.last_page, newest.page_size)
    return True


def check_length(path: str, size: int, last_page: int, page_size: int) -> None:
    """Refuse a file that is shorter than its pages.

    Raises:
        SinkCorrupt: it is.
    """
    wanted = (last_page + 1) * page_size
    if size < wanted:
        raise SinkCorrupt(0, f"{path}: the file is cut, {wanted - size} of {wanted} bytes are gone")


def continued(path: str, transaction: int) -> list[tuple[int, bytes]]:
    """Return both meta pages of a file as if its last transaction were number `transaction`.

    Both have the newest state; that of the transaction before is nobody's.

    Args:
        path: a file that no one writes.
        transaction: above 0, and not below the file's own.

    Returns:
        Offsets and the bytes to be written there.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        head = os.pread(descriptor, _READ, 0)
    finally:
        os.close(descriptor)
    metas = _parse_both(path, head)
    newest, page_size = _newest(path, metas), metas[0].page_size
    start = metas.index(newest) * page_size
    fields = _META.unpack_from(head, start)
    return [
        (number % 2 * page_size, _META.pack(number % 2, *fields[1:-1], number))
        for number in (transaction - 1, transaction)
    ]


def _stable(read: Callable[[], bytes]) -> bytes:
    """Read until the same comes twice, for a writer may be at it."""
    before = read()
    while (now := read()) != before:
        before = now
    return now


def _parse_both(path: str, head: bytes) -> list[Meta]:
    found = {offset: _parse(head, offset) for offset in (0, *_PAGE_SIZES)}
    metas = [(offset, meta) for offset, meta in found.items() if meta is not None]
    if not metas:
        raise SinkUnavailable(f"{path}: not a file of LMDB 0.9, so no log is here")
    pages = [(0, metas[0][1].page_size), (metas[0][1].page_size, metas[0][1].page_size)]
    if [(offset, meta.page_size) for offset, meta in metas] != pages:
        raise SinkCorrupt(0, f"{path}: one of the two meta pages is damaged")
    return [meta for _, meta in metas]


def _parse(head: bytes, offset: int) -> Meta | None:
    if offset + _META.size > len(head):
        return None
    fields = _META.unpack_from(head, offset)
    flags, magic, version, page_size = fields[2], fields[5], fields[6], fields[9]
    if (flags, magic, version) != (_IS_META, _MAGIC, _VERSION):
        return None
    return Meta(page_size, *fields[-2:]) if page_size in _PAGE_SIZES else None


def _newest(path: str, metas: list[Meta]) -> Meta:
    even, odd = metas
    older, newer = sorted(metas, key=lambda meta: meta.transaction)
    is_new = not newer.transaction  # both are those of an empty file
    if not is_new and (even.transaction % 2 or newer.transaction - older.transaction != 1):
        raise SinkCorrupt(
            0, f"{path}: the meta pages say transactions {even.transaction} and {odd.transaction}"
        )
    if older.last_page > newer.last_page:
        raise SinkCorrupt(0, f"{path}: the meta pages say that the last transaction freed the end")
    return newer
