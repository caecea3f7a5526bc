"""Subjects: what names one, and what a person is told who names none."""

from __future__ import annotations

import pytest

from rynxs.engine.subject import named_subject
from rynxs.errors import UsageError


@pytest.mark.parametrize("text", ["universe.ai/Agent/default/a", "universe.ai/Universe/rules"])
def test_what_names_a_subject_is_taken(text: str) -> None:
    assert str(named_subject(text)) == text


@pytest.mark.parametrize(
    "text", ["", "69", "worker", "Agent/worker", "universe.ai/Agent/", "/Agent/a", "a/B/c/d/e"]
)
def test_what_names_none_is_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(
        UsageError, match=r"expected is a subject .* as universe\.ai/Agent/"
    ) as told:
        named_subject(text)
    assert repr(text) in str(told.value)


def test_who_names_a_record_is_told_how_to_find_its_subject() -> None:
    with pytest.raises(UsageError, match="rynxs log show 69 tells that of record 69"):
        named_subject("69")
