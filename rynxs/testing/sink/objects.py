"""The promises about named objects: put whole, found again, compared and swapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.errors import SinkConflict, SinkUnavailable
from rynxs.eventlog.sink import ABSENT, ANY
from rynxs.testing.histories import history
from rynxs.testing.sink.subject import SinkUnderTest, refused

if TYPE_CHECKING:
    from rynxs.eventlog.sink import Sink
    from rynxs.testing.sink.subject import Place

_NO_NAMES = (
    *("", "/", "/a", "a/", "a//b", ".", "..", ".a", "a/.b", "../a", "a/../b", "a b", "a\n", "é"),
    *("a\x00b", "a\\b", "x" * 201, "x/" * 127 + "yy", "/".join("abcdefghijklmnopq")),
    *("log", "log/x", "hint", "probe/x"),
)


class Objects(SinkUnderTest):
    """Promises of `get`, `put` and `list`."""

    def test_an_object_is_got_as_it_was_put_also_after_reopening(
        self, sink: Sink, place: Place
    ) -> None:
        """Empty, of every byte value, and large."""
        contents = {"empty": b"", "bytes": bytes(range(256)), "deep/er/large": b"x" * 1_500_000}
        versions = {name: sink.put(name, data) for name, data in contents.items()}
        sink.append(0, history(1))
        for reader in (sink, place.reader()):
            for name, data in contents.items():
                assert reader.get(name) == (data, versions[name])
        sink.close()
        reopened = place.writer()
        for name, data in contents.items():
            assert reopened.get(name) == (data, versions[name])

    def test_an_object_that_was_never_put_is_none(self, sink: Sink) -> None:
        """Also when its name is the beginning of another's."""
        sink.put("a/b", b"data")
        assert sink.get("a/c") is None
        assert sink.get("a/b/c") is None
        assert sink.get("a") is None

    def test_put_replaces_the_whole_object(self, sink: Sink) -> None:
        """Longer by shorter, and the version tells them apart."""
        first = sink.put("name", b"long content")
        second = sink.put("name", b"short", ANY)
        assert first != second
        assert sink.get("name") == (b"short", second)

    def test_objects_put_together_are_each_got_as_they_were_put(
        self, sink: Sink, place: Place
    ) -> None:
        """New ones, and in the place of others; of several sizes, some below a common name."""
        sink.append(0, history(1))
        sink.put("many/0", b"before")
        contents = {
            f"many/{number}": bytes(number % 256 for _ in range(number)) for number in range(99)
        }
        sink.put_all(list(contents.items()))
        sink.put_all([])
        for reader in (sink, place.reader()):
            assert {name: got.data for name in contents if (got := reader.get(name))} == contents
        sink.close()
        reopened = place.writer()
        assert {name: got.data for name in contents if (got := reopened.get(name))} == contents

    def test_an_object_that_must_be_absent_is_created_once(self, sink: Sink) -> None:
        """Also when it would get the same bytes."""
        version = sink.put("name", b"data", ABSENT)
        for data in (b"other", b"data"):
            with refused(SinkConflict, "put(..., ABSENT) of an object that is there"):
                sink.put("name", data, ABSENT)
        assert sink.get("name") == (b"data", version)

    def test_a_version_is_swapped_once(self, sink: Sink, place: Place) -> None:
        """Compare and swap: whoever comes with an old version is refused."""
        old = sink.put("name", b"one")
        new = sink.put("name", b"two", old)
        with refused(SinkConflict, "put(...) over a version that is no longer there"):
            sink.put("name", b"three", old)
        assert sink.get("name") == (b"two", new)
        with refused(SinkConflict, "put(...) over a version of an object that is not there"):
            sink.put("missing", b"data", old)
        assert sink.get("missing") is None
        sink.put("name", b"four", new)
        sink.close()
        found = place.writer().get("name")
        assert found is not None
        assert found.data == b"four"

    def test_names_are_listed_by_prefix_sorted_and_without_the_logs_own(self, sink: Sink) -> None:
        """The prefix may end anywhere in a name."""
        sink.append(0, history(3))
        names = ["A_b", "a_b", "axb", "checkpoint", "checkpoints/10", "checkpoints/2"]
        names += ["tile/0/000", "tile/0/001", "z"]
        for name in reversed(names):
            sink.put(name, name.encode())
        assert list(sink.list()) == names
        prefixes = ["checkpoint", "checkpoints/", "tile/0/00", "tile/0/001", "l", "nothing"]
        for prefix in (*prefixes, "A", "a_", "%", "*", "a.b"):
            found = list(sink.list(prefix))
            wanted = [name for name in names if name.startswith(prefix)]
            assert found == wanted, f"list({prefix!r}) is {found}, stored are {names}"

    def test_more_names_than_a_page_are_listed(self, sink: Sink) -> None:
        """1,050 of them."""
        names = [f"n/{number:04d}" for number in range(1_050)]
        for name in names:
            sink.put(name, b"")
        assert list(sink.list("n/")) == names

    def test_a_deleted_object_is_gone_and_can_be_created_again(
        self, sink: Sink, place: Place
    ) -> None:
        """All versions of it, also after reopening; deleting what is not there does nothing."""
        sink.append(0, history(1))
        for data in (b"one", b"two"):
            sink.put("a/b", data)
        for name in ("a/bc", "ab", "z"):
            sink.put(name, b"stays")
        for name in ("a/b", "a/b", "never/put"):
            sink.delete(name)
        for reader in (sink, place.reader()):
            assert reader.get("a/b") is None
            assert list(reader.list()) == ["a/bc", "ab", "z"]
        sink.close()
        reopened = place.writer()
        assert reopened.get("a/b") is None
        assert list(reopened.list()) == ["a/bc", "ab", "z"]
        version = reopened.put("a/b", b"three", ABSENT)
        assert reopened.get("a/b") == (b"three", version)

    def test_a_reader_and_a_closed_log_delete_nothing(self, sink: Sink, place: Place) -> None:
        """It is for writers."""
        sink.append(0, history(1))
        sink.put("name", b"data")
        with refused(SinkUnavailable, "a reader's deletion"):
            place.reader().delete("name")
        sink.close()
        with refused(SinkUnavailable, "a deletion after close"):
            sink.delete("name")
        found = place.reader().get("name")
        assert found is not None
        assert found.data == b"data"

    def test_what_is_no_name_is_refused(self, sink: Sink) -> None:
        """By `put`, `get` and `delete`; `rynxs.api.check_object_name` does it."""
        for name in _NO_NAMES:
            with refused(SinkUnavailable, f"put of {name!r}, which is no name,"):
                sink.put(name, b"data")
            with refused(SinkUnavailable, f"get of {name!r}, which is no name,"):
                sink.get(name)
            with refused(SinkUnavailable, f"deletion of {name!r}, which is no name,"):
                sink.delete(name)
        assert list(sink.list()) == []

    def test_objects_and_records_do_not_touch_each_other(self, sink: Sink, place: Place) -> None:
        """Appends go on between puts."""
        records = history(20)
        for seq in range(20):
            sink.append(seq, records[seq : seq + 1])
            sink.put("name", b"%d" % seq)
        sink.close()
        reopened = place.writer()
        found = reopened.get("name")
        assert found is not None
        assert found.data == b"19"
        assert tuple(reopened.read()) == records
