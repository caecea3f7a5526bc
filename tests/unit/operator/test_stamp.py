"""An object's annotations say which plan of which log it comes from, or nothing at all."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs.operator.stamp import DIGEST, EPOCH, ORIGIN, SEQ, SUBJECT, Stamp, stamp_of, stamped

STAMP = Stamp("log.example", "example.org/Thing/default/a", 7, 2, "ab" * 32)
TEXTS = {
    ORIGIN: STAMP.origin,
    SUBJECT: STAMP.subject,
    SEQ: "7",
    EPOCH: "2",
    DIGEST: STAMP.digest,
}


@given(
    st.builds(
        Stamp,
        st.text(min_size=1),
        st.text(),
        st.integers(0, 2**62),
        st.integers(0, 2**62),
        st.text(),
    ),
    st.none() | st.dictionaries(st.text(), st.text()),
)
def test_a_stamp_is_read_as_it_was_set_beside_other_annotations(
    stamp: Stamp, annotations: dict[str, str] | None
) -> None:
    manifest = {"kind": "Thing", "metadata": {"annotations": annotations, "name": "a"}}
    before = copy.deepcopy(manifest)
    made = stamped(manifest, stamp)
    assert manifest == before
    assert stamp_of(made["metadata"]) == stamp
    assert (annotations or {}).items() <= {**made["metadata"]["annotations"]}.items()
    assert made["metadata"]["name"] == "a"


def test_a_stamp_is_five_annotations() -> None:
    assert stamped({"metadata": {}}, STAMP) == {"metadata": {"annotations": TEXTS}}


@pytest.mark.parametrize("name", TEXTS)
def test_an_object_that_lacks_a_part_of_its_stamp_has_none(name: str) -> None:
    rest = {each: text for each, text in TEXTS.items() if each != name}
    assert stamp_of({"annotations": rest}) is None
    assert stamp_of({"annotations": {**rest, name: None}}) is None


@pytest.mark.parametrize("name", [SEQ, EPOCH])
@pytest.mark.parametrize(
    "text", ["", "-1", "1.0", " 1", "1_0", "\u0661", "x", str(2**62 + 1), "9" * 5000]
)
def test_a_number_that_no_log_holds_makes_no_stamp(name: str, text: str) -> None:
    assert stamp_of({"annotations": {**TEXTS, name: text}}) is None


@pytest.mark.parametrize("metadata", [{}, {"annotations": None}, {"annotations": {}}])
def test_an_object_without_annotations_has_no_stamp(metadata: dict[str, None]) -> None:
    assert stamp_of(metadata) is None
