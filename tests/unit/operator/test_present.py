"""The cache keeps what is newest, whatever comes in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from rynxs.operator import versions as module
from rynxs.operator.present import Present
from rynxs.operator.stamp import Stamp, stamped

if TYPE_CHECKING:
    import pytest

A, B = "v1/ConfigMap/default/a", "v1/ConfigMap/other/b"
SUBJECT = "example.org/Thing/default/a"


def metadata(version: object, uid: str = "u", **stamp: Any) -> dict[str, Any]:
    known: dict[str, Any] = {"resourceVersion": str(version), "uid": uid}
    if not stamp:
        return known
    full = Stamp("log.example", SUBJECT, 1, 1, "")._replace(**stamp)
    made: dict[str, Any] = stamped({"metadata": known}, full)["metadata"]
    return made


def test_an_older_version_never_replaces_a_newer_one_of_this_object_or_of_one_after_it() -> None:
    present = Present("log.example")
    assert present.put(A, metadata(9, "second"))
    assert not present.put(A, metadata(9, "second"))
    assert not present.put(A, metadata(8, "second"))
    assert not present.put(A, metadata(7, "first"))
    assert present.get(A) == metadata(9, "second")
    assert present.put(A, metadata(10, "second"))
    assert present.put(A, metadata(11, "third"))


def test_versions_are_compared_as_numbers() -> None:
    present = Present("log.example")
    present.put(A, metadata(9))
    assert present.put(A, metadata(10))


def test_versions_that_are_no_numbers_are_taken_as_they_come() -> None:
    present = Present("log.example")
    for version in ("x", "x", "a", ""):
        assert present.put(A, metadata(version))
    assert present.drop(A, metadata("a"))


def test_what_is_gone_does_not_come_back_by_an_answer_from_before() -> None:
    present = Present("log.example")
    present.put(A, metadata(5))
    assert present.drop(A, metadata(6))
    assert present.get(A) is None
    assert not present.put(A, metadata(5))
    assert not present.put(A, metadata(6))
    assert present.put(A, metadata(8, "second"))


def test_that_something_unknown_is_gone_is_no_news_but_remembered() -> None:
    present = Present("log.example")
    assert not present.drop(A, metadata(6))
    assert not present.put(A, metadata(5))
    assert not present.drop(A, metadata(4))
    assert not present.put(A, metadata(6))


def test_a_deletion_that_is_told_late_leaves_what_has_come_after_it() -> None:
    present = Present("log.example")
    present.put(A, metadata(9, "second"))
    assert not present.drop(A, metadata(6, "first"))
    assert present.get(A) == metadata(9, "second")


def test_an_object_that_is_being_read_again_may_be_there_after_all() -> None:
    present = Present("log.example")
    present.put(A, metadata(5))
    present.drop(A, metadata(6))
    present.doubt(A)
    assert present.put(A, metadata(6))


def test_of_what_is_gone_so_much_is_remembered_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GONE_MAX", 2)
    present = Present("log.example")
    for name in "abca":
        present.drop(f"v1/ConfigMap/default/{name}", metadata(6))
    taken = [present.put(f"v1/ConfigMap/default/{name}", metadata(5)) for name in "abc"]
    assert taken == [False, True, False]


def test_a_complete_list_tells_what_is_gone_of_its_kind_and_namespace() -> None:
    present = Present("log.example")
    other = "v1/ConfigMapping/default/a"
    for number, identifier in enumerate([A, B, other], 1):
        present.put(identifier, metadata(number))
    assert present.replace("v1/ConfigMap", "default", {}, "9") == [A]
    assert present.replace("v1/ConfigMap", "", {B: metadata(2)}, "9") == []
    assert present.replace("v1/ConfigMap", "", {A: metadata(10)}, "11") == [A, B]
    assert present.get(other) is not None


def test_a_list_from_before_says_nothing_of_what_was_made_since() -> None:
    present = Present("log.example")
    present.put(A, metadata(12))
    assert present.replace("v1/ConfigMap", "", {}, "11") == []
    assert present.get(A) == metadata(12)
    assert present.put(A, metadata(13))


def test_what_a_list_did_not_hold_does_not_come_back_by_an_answer_from_before() -> None:
    present = Present("log.example")
    present.put(A, metadata(5))
    present.replace("v1/ConfigMap", "", {}, "11")
    assert not present.put(A, metadata(6))
    assert present.put(A, metadata(12, "second"))


def test_objects_are_found_by_the_subject_whose_stamp_they_bear_or_by_name() -> None:
    present = Present("log.example")
    present.put(A, metadata(1, subject=SUBJECT))
    present.put(B, metadata(2, origin="other.example"))
    assert present.subjects() == [SUBJECT]
    assert present.subject_of(A) == SUBJECT
    assert present.subject_of(B) == present.subject_of("v1/ConfigMap/default/c") == ""
    assert list(present.of(SUBJECT, [])) == [A]
    assert list(present.of(SUBJECT, [B, "v1/ConfigMap/default/c"])) == [A, B]
    assert list(present.of("", [])) == []
    present.put(A, metadata(3))
    assert present.subjects() == []
    assert list(present.of(SUBJECT, [])) == []


def test_the_highest_seq_and_epoch_are_those_of_this_log() -> None:
    present = Present("log.example")
    assert present.highest(1) == ("", -1, 0)
    present.put(A, metadata(1, seq=7, epoch=2))
    present.put(B, metadata(2, seq=3, epoch=5))
    present.put("v1/ConfigMap/default/c", metadata(3, origin="other.example", seq=99, epoch=99))
    present.put("v1/ConfigMap/default/d", metadata(4))
    assert present.highest(1) == (A, 7, 5)


def test_the_objects_of_a_predecessor_count_but_its_numbers_of_records_do_not() -> None:
    present = Present("log.example/after", "log.example/before")
    present.put(A, metadata(1, subject=SUBJECT, origin="log.example/before", seq=40, epoch=6))
    present.put(B, metadata(2, subject=SUBJECT, origin="log.example/after", seq=3, epoch=5))
    assert list(present.of(SUBJECT, [])) == [A, B]
    assert present.highest(1) == (B, 3, 6)


def test_an_epoch_that_no_log_can_have_got_to_is_forged_and_does_not_count() -> None:
    present = Present("log.example")
    present.put(A, metadata(1, seq=7, epoch=3))
    present.put(B, metadata(2, seq=9, epoch=2**32 + 4))
    assert present.highest(3) == (A, 7, 3)
    assert present.highest(4) == (B, 9, 2**32 + 4)


_history = st.lists(st.sampled_from(["put", "new", "gone"]), min_size=1, max_size=8)


@given(_history, st.data())
def test_in_whatever_order_the_past_is_told_it_ends_up_with_the_present(
    history: list[str], data: st.DataObject
) -> None:
    told: list[tuple[bool, dict[str, Any]]] = []
    uids = 0
    for version, what in enumerate(history, 1):
        uids += what == "new"
        told.append((what == "gone", metadata(version, f"u{uids}")))
    late = data.draw(st.lists(st.sampled_from(told)))
    present = Present("log.example")
    for is_gone, found in [*data.draw(st.permutations([*told, *late]))]:
        (present.drop if is_gone else present.put)(A, found)
    is_gone, last = told[-1]
    assert present.get(A) == (None if is_gone else last)
