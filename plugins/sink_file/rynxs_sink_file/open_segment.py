"""The segment that a writer appends to: each batch is flushed, or cut off again."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from rynxs.api import SinkConflict
from rynxs_sink_file import erasure, index
from rynxs_sink_file.durable import sync_directory
from rynxs_sink_file.files import close_quietly, write_all
from rynxs_sink_file.index import IndexWriter, Position
from rynxs_sink_file.system import system

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from rynxs_sink_file.erasure import Rewritten


class OpenSegment:
    """An open file, held from construction to `close`.

    Attributes:
        end: offset at which the next batch starts.
    """

    def __init__(self, path: Path, descriptor: int, end: int) -> None:
        """Take over a descriptor for reading and writing; nothing that counts follows `end`."""
        self.end = end
        self._path = path
        self._descriptor = descriptor
        self._index = IndexWriter(path, index.rewrite(path, descriptor, end))
        self._in_doubt = False
        self._replacement: Rewritten | None = None
        self._name_in_doubt = False

    def check_alone(self) -> None:
        """Notice that the segment was written or removed behind our back, past a deleted lock.

        Raises:
            SinkConflict: it was.
            OSError: that can't be told.
        """
        self._settle()
        if self._in_doubt:
            return
        status = system().fstat(self._descriptor)
        if status.st_size != self.end or not status.st_nlink:
            raise SinkConflict(f"{self._path.parent}: changed while this writer has it open")

    def write(self, first_seq: int, batch: bytes) -> None:
        """Write a batch at the end and flush it; one that can't be flushed is cut off again."""
        self.cut_off_doubtful()
        self._in_doubt = True
        try:
            write_all(self._descriptor, batch, self.end)
            system().fdatasync(self._descriptor)
        except BaseException:
            with suppress(OSError):
                self.cut_off_doubtful()
            raise
        self._in_doubt = False
        self._index.add(Position(first_seq, self.end))
        self.end += len(batch)

    def cut_off_doubtful(self) -> None:
        """Remove durably what a failed write may have left.

        If that fails too, the next write does it first, or the next opening judges the bytes: a
        shorter batch written over a longer one would leave an end that is no batch, and recovery
        takes whatever follows a batch for a proof that the batch was durable. Pages that a failed
        flush dropped are those of this batch alone, and the next write makes all of them anew.
        """
        if self._in_doubt:
            system().ftruncate(self._descriptor, self.end)
            system().fsync(self._descriptor)
            self._in_doubt = False

    def is_at(self, path: Path) -> bool:
        """Tell whether this is the segment at a path."""
        return os.path.samestat(system().fstat(self._descriptor), system().stat(path))

    def erase(self, seqs: Collection[int]) -> None:
        """Replace the segment by one without some payloads, and go on in that."""
        self.cut_off_doubtful()
        self._replacement = erasure.write_without(self._path, seqs)
        erasure.put_in_place(self._path)
        self._settle()

    def close(self) -> None:
        """Close the file."""
        if self._replacement is not None:
            close_quietly(self._replacement.descriptor)
        close_quietly(self._descriptor)

    def _settle(self) -> None:
        """Go on in a replacement that has taken the name, as one that seemed to fail may have.

        What is appended is durable no sooner than the name of its segment is.
        """
        if self._replacement is not None:
            new = self._replacement
            has_name = os.path.samestat(system().stat(self._path), system().fstat(new.descriptor))
            self._replacement = None
            close_quietly(self._descriptor if has_name else new.descriptor)
            if has_name:
                self._descriptor, self.end = new.descriptor, new.end
                self._index = IndexWriter(self._path, index.store(self._path, new.positions))
                self._name_in_doubt = True
        if self._name_in_doubt:
            sync_directory(self._path.parent)
            self._name_in_doubt = False
