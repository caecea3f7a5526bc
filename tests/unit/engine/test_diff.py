from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs.engine.diff import differences

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, "a", "b"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert differences(value, value) == []


@given(VALUES, VALUES)
def test_differences_are_the_same_seen_from_the_other_side(before: Any, after: Any) -> None:
    there = differences(before, after)
    back = differences(after, before)
    assert [(c.path, c.before, c.after) for c in there] == [
        (c.path, c.after, c.before) for c in back
    ]


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["a.b: 1 -> 2"]),
        ({"a": [1, 2]}, {"a": [1, 3, 4]}, ["a[1]: 2 -> 3", "a[2]: (absent) -> 4"]),
        ({"a": 1}, {}, ["a: 1 -> (absent)"]),
        ({"a": True}, {"a": 1}, ["a: True -> 1"]),
        ({"a": 1}, {"a": 1.0}, ["a: 1 -> 1.0"]),
        ({"a": {}}, {"a": []}, ["a: {} -> []"]),
        (1, 2, [".: 1 -> 2"]),
        ({"a": "x" * 100}, {"a": None}, [f"a: '{'x' * 79}... -> None"]),
    ],
)
def test_every_differing_field_is_named_with_both_values(
    before: Any, after: Any, shown: list[str]
) -> None:
    assert [str(change) for change in differences(before, after)] == shown


def test_an_absent_side_is_left_out_of_the_json_form() -> None:
    (change,) = differences({"a": None}, {})
    assert change.as_json() == {"path": "a", "before": None}
