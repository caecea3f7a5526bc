from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rynxs.engine.diff import ABSENT
from rynxs.eventlog import canonical
from rynxs.report.delta import Change, changes

leaf = st.none() | st.booleans() | st.integers(-2, 2) | st.floats(-2, 2) | st.text(max_size=3)
values = st.recursive(
    leaf,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=4)
    ),
    max_leaves=12,
)


def applied(value: Any, change: Change) -> Any:
    step: Any
    if not change.path:
        return change.after
    step, *rest = change.path
    copy = value.copy()
    if change.after is ABSENT and not rest:
        if isinstance(copy, list):
            return copy[:step]
        del copy[step]
    elif isinstance(copy, list) and step == len(copy):
        copy.append(change.after)
    else:
        inner = change._replace(path=tuple(rest))
        copy[step] = applied(copy.get(step) if isinstance(copy, dict) else copy[step], inner)
    return copy


def encoded(value: Any) -> bytes:
    return canonical.encode({"value": value})


@given(values, values)
def test_the_changes_applied_in_order_make_the_later_value_of_the_earlier(
    before: Any, after: Any
) -> None:
    value = before
    for change in changes(before, after):
        value = applied(value, change)
    assert encoded(value) == encoded(after)


@given(values)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert changes(value, value) == []


def test_values_that_python_takes_for_equal_differ() -> None:
    assert changes({"a": 1, "b": [0]}, {"a": True, "b": [False]}) == [
        Change(("a",), 1, True),
        Change(("b", 0), 0, False),
    ]
    assert changes(1, 1.0) == [Change((), 1, 1.0)]


def test_a_field_that_comes_or_goes_has_one_side() -> None:
    came, went = changes({"old": 1}, {"new": {"a": None}})
    assert came.as_json() == {"path": ["new"], "after": {"a": None}}
    assert went.as_json() == {"path": ["old"], "before": 1}
