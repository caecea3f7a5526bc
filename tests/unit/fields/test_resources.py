"""Compute resources, and how defaults fill them in."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rynxs.fields import Resources, amount_of, filled

AMOUNTS = st.dictionaries(
    st.sampled_from(["cpu", "memory", "nvidia.com/gpu"]),
    st.sampled_from(["0", "1m", "500m", "1", "2", "1k", "1Ki"]),
)


def is_valid(value: Any) -> bool:
    try:
        Resources.model_validate(value)
    except ValidationError:
        return False
    return True


ORDERLY = st.fixed_dictionaries({}, optional={"limits": AMOUNTS, "requests": AMOUNTS}).filter(
    is_valid
)


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ({}, True),
        ({"limits": {"cpu": 2, "memory": "1Gi"}}, True),
        ({"limits": {"nvidia.com/gpu": 1, "hugepages-2Mi": "4Mi"}}, True),
        ({"requests": {"cpu": "500m"}, "limits": {"cpu": 1}}, True),
        ({"requests": {"cpu": 1}, "limits": {"cpu": "1000m"}}, True),
        ({"requests": {"cpu": 2}, "limits": {"cpu": "1500m"}}, False),
        ({"requests": {"memory": "1Gi"}, "limits": {"memory": "1G"}}, False),
        ({"limits": {"gpu": 1}}, False),
        ({"limits": {"CPU": 1}}, False),
        ({"limits": {"cpu": 0.5}}, False),
        ({"limit": {}}, False),
        ({"limits": {f"example.org/r{number}": 1 for number in range(33)}}, False),
    ],
)
def test_a_request_is_at_most_its_limit_and_every_name_is_known(value: Any, valid: bool) -> None:
    assert is_valid(value) is valid


def test_a_broken_limit_names_both_amounts() -> None:
    with pytest.raises(ValidationError, match="requests 2 of cpu, above its limit of 1500m"):
        Resources.model_validate({"requests": {"cpu": 2}, "limits": {"cpu": "1500m"}})


@pytest.mark.parametrize(
    ("own", "defaults", "expected"),
    [
        ({}, [], {}),
        ({}, [{"limits": {"cpu": "1"}}], {"limits": {"cpu": "1"}}),
        ({"limits": {"cpu": "2"}}, [{"limits": {"cpu": "1"}}], {"limits": {"cpu": "2"}}),
        (
            {"limits": {"cpu": "0.5"}},
            [{"requests": {"cpu": "1"}}],
            {"limits": {"cpu": "0.5"}, "requests": {"cpu": "0.5"}},
        ),
        (
            {"requests": {"cpu": "2"}},
            [{"limits": {"cpu": "1"}}],
            {"limits": {"cpu": "2"}, "requests": {"cpu": "2"}},
        ),
        (
            {},
            [{"limits": {"cpu": "1"}}, {"limits": {"cpu": "2", "memory": "1Gi"}}],
            {"limits": {"cpu": "1", "memory": "1Gi"}},
        ),
        (
            {},
            [{"requests": {"cpu": "2"}}, {"limits": {"cpu": "1"}}],
            {"limits": {"cpu": "2"}, "requests": {"cpu": "2"}},
        ),
    ],
)
def test_what_is_not_stated_comes_from_the_first_default_that_does(
    own: dict[str, Any], defaults: list[dict[str, Any]], expected: dict[str, Any]
) -> None:
    assert filled(own, *defaults) == {"limits": {}, "requests": {}, **expected}


@given(ORDERLY, st.lists(ORDERLY, max_size=3))
def test_defaults_contradict_nothing_and_change_nothing_that_is_stated(
    own: dict[str, Any], defaults: list[dict[str, Any]]
) -> None:
    given_to_it = copy.deepcopy((own, defaults))
    found = filled(own, *defaults)
    assert (own, defaults) == given_to_it
    assert is_valid(found)
    for part in ("limits", "requests"):
        assert found[part].items() >= own.get(part, {}).items()
        stated = [name for each in (own, *defaults) for name in each.get(part, {})]
        assert set(found[part]) == set(stated)
    assert filled(found, *defaults) == found


@given(ORDERLY, ORDERLY, ORDERLY)
def test_defaults_may_be_filled_in_one_after_the_other(
    own: dict[str, Any], first: dict[str, Any], second: dict[str, Any]
) -> None:
    assert filled(filled(own, first), second) == filled(own, first, second)
    amounts = filled(own, first, second)
    assert all(
        amount_of(amounts["requests"][name]) <= amount_of(limit)
        for name, limit in amounts["limits"].items()
        if name in amounts["requests"]
    )
