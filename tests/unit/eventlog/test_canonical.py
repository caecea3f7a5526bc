from __future__ import annotations

import math
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs.errors import ValueRefused
from rynxs.eventlog import canonical, cbor

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(canonical.INTEGER_MIN, canonical.INTEGER_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
JSON_MAPS = st.dictionaries(st.text(), JSON_VALUES, max_size=6)


@given(JSON_MAPS)
def test_decoding_gives_back_what_was_encoded(value: dict[str, Any]) -> None:
    decoded = canonical.decode(canonical.encode(value))
    assert canonical.encode(decoded) == canonical.encode(value)
    assert decoded == value


@given(JSON_MAPS)
def test_the_order_of_keys_does_not_show_in_the_encoding(value: dict[str, Any]) -> None:
    reordered = dict(reversed(list(value.items())))
    assert canonical.encode(reordered) == canonical.encode(value)


@given(JSON_MAPS)
def test_keys_are_in_bytewise_order_of_their_encoding(value: dict[str, Any]) -> None:
    keys = [cbor2.dumps(key) for key in cbor2.loads(canonical.encode(value))]
    assert keys == sorted(keys)


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_decoded_or_refused_with_a_typed_error(data: bytes) -> None:
    try:
        value = canonical.decode(data)
    except ValueRefused:
        return
    assert canonical.encode(value) == data


def nested(depth: int, innermost: Any = None) -> Any:
    value: Any = innermost or {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def deep_list(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        ([], "$", "found list, a payload is a map"),
        ({"a": math.nan}, "$.a", "finite"),
        ({"a": [1, math.inf]}, "$.a[1]", "finite"),
        ({"a": -math.inf}, "$.a", "finite"),
        ({"a": 2**64}, "$.a", "64 bits"),
        ({"a": {"b": [0, {"c": -(2**63) - 1}]}}, "$.a.b[1].c", "64 bits"),
        ({1: "a"}, "$", "key of type int, keys are text"),
        ({"a": 1, 2: 3}, "$", "key of type int, keys are text"),
        ({"a": {None: 1}}, "$.a", "keys are text"),
        ({"a": "\ud800"}, "$.a", "surrogate"),
        ({"a\udfff": 1}, "$.a\\udfff", "surrogate"),
        ({"a": b"x"}, "$.a", "bytes"),
        ({"a": (1, 2)}, "$.a", "tuple"),
        ({"a": {1, 2}}, "$.a", "set"),
        ({"a": deep_list(128)}, "$.a" + "[0]" * 127, "deeper than 128"),
        (nested(129), "$" + ".a" * 128, "deeper than 128"),
        (nested(128, {"a": []}), "$" + ".a" * 128, "deeper than 128"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_path(value: Any, path: str, reason: str) -> None:
    with pytest.raises(ValueRefused) as refused:
        canonical.encode(value)
    assert refused.value.path == path
    assert reason in refused.value.reason


def test_ten_thousand_levels_are_refused_without_exhausting_the_stack() -> None:
    with pytest.raises(ValueRefused, match="deeper than 128"):
        canonical.encode(nested(10_000))
    with pytest.raises(ValueRefused):
        canonical.decode(b"\xa1\x61a" * 10_000 + b"\xa0")


def test_the_deepest_allowed_value_is_encoded_and_decoded() -> None:
    for innermost in ({}, {"a": "b"}):
        value = nested(128, innermost)
        assert canonical.decode(canonical.encode(value)) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xa1",
        b"\x80",
        b"\xa1\x61a\x18\x01",  # 1 in two bytes
        b"\xa1\x61a\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00",  # 1.0 in nine bytes
        b"\xbf\x61a\x01\xff",  # indefinite length
        b"\xa2\x61b\x01\x61a\x02",  # keys out of order
        b"\xa2\x62aa\x01\x61b\x02",  # the longer key first
        # Keys out of order in the first of two maps of maps.
        b"\xa2\x61a\xa1\x61a\xa2\x61b\x01\x61a\x02\x61b\xa1\x61a\xa0",
        b"\xa2\x61a\x01\x61a\x02",  # a key twice
        b"\xa0\x00",  # trailing byte
        b"\xa1\x61a\xf7",  # undefined
        b"\xa1\x61a\x41x",  # byte string
        b"\xa1\x61a\xc1\x00",  # a tagged date
        b"\xa1\x61a\xd8\x23\x61(",  # a tagged, broken regular expression
        b"\xa1\x61a\xf9\x7e\x00",  # NaN
        b"\xa1\x61a\x9b\xff\xff\xff\xff\xff\xff\xff\xff",  # a huge array that is not there
        b"\xa1\x61a\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",  # a huge string that is not there
    ],
    ids=lambda data: data[:12].hex() or "empty",
)
def test_bytes_that_are_not_the_deterministic_form_of_a_map_are_refused(data: bytes) -> None:
    with pytest.raises(ValueRefused):
        canonical.decode(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xa1\x61a", "not CBOR of JSON values (premature end of stream"),
        (b"\xa0\x00", "not in deterministic form"),
    ],
)
def test_what_is_refused_as_a_whole_has_the_path_of_the_whole(data: bytes, reason: str) -> None:
    with pytest.raises(ValueRefused) as refused:
        canonical.decode(data)
    assert refused.value.path == "$"
    assert refused.value.reason.startswith(reason)


def test_what_is_not_a_payload_is_encoded_in_deterministic_form_too() -> None:
    encoded = cbor.dumps({"bb": 1.5, "c": 1, "a": [1.0]})
    assert encoded == b"\xa3\x61a\x81\xf9\x3c\x00\x61c\x01\x62bb\xf9\x3e\x00"


TAGS = [*range(264), 1004, 43_000, 55_799, 2**32, 2**64 - 1]


@pytest.mark.parametrize("tag", TAGS)
def test_no_tag_is_decoded_whatever_the_decoder_would_make_of_it(tag: int) -> None:
    number = cbor2.dumps(tag)
    data = bytes((number[0] | 0xC0,)) + number[1:] + b"\x41x"
    with pytest.raises(cbor.DECODE_ERRORS) as refused:
        cbor.loads(data)
    assert str(refused.value.__cause__) == "tags are not allowed"
    with pytest.raises(ValueRefused, match="not CBOR of JSON values"):
        canonical.decode(b"\xa1\x61a" + data)


def decoded_the_long_way(data: bytes) -> dict[str, Any] | None:
    """Decode, encode again and compare: what the quick look must agree with."""
    try:
        value = cbor.loads(
            data,
            max_depth=canonical.MAX_DEPTH + 1,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
        )
        return value if canonical.encode(value) == data else None
    except (*cbor.DECODE_ERRORS, ValueRefused):
        return None


def decoded(data: bytes) -> dict[str, Any] | None:
    try:
        return canonical.decode(data)
    except ValueRefused:
        return None


ODD_VALUES = st.recursive(
    JSON_VALUES
    | st.binary(max_size=3)
    | st.just(cbor2.undefined)
    | st.builds(cbor2.CBORSimpleValue, st.integers(0, 19))
    | st.integers(-(2**64), -(2**63) - 1),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.integers() | st.binary(), inner, max_size=4)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.text(), ODD_VALUES, max_size=6), st.booleans())
def test_the_quick_look_accepts_just_what_encoding_again_accepts(
    value: dict[str, Any], ordered: bool
) -> None:
    data = cbor2.dumps(value, canonical=ordered)
    assert repr(decoded(data)) == repr(decoded_the_long_way(data))


@given(JSON_MAPS, st.data())
def test_the_quick_look_agrees_on_every_changed_byte(value: dict[str, Any], data: Any) -> None:
    changed = bytearray(canonical.encode(value))
    place = data.draw(st.integers(0, len(changed) - 1))
    changed[place] = data.draw(st.integers(0, 255))
    assert repr(decoded(bytes(changed))) == repr(decoded_the_long_way(bytes(changed)))


@pytest.mark.parametrize("depth", [1, 127, 128, 129, 130])
def test_the_quick_look_agrees_on_depth(depth: int) -> None:
    data = cbor2.dumps(nested(depth))
    assert (decoded(data) is None) == (depth > canonical.MAX_DEPTH)
    assert decoded(data) == decoded_the_long_way(data)


@pytest.mark.parametrize("size", [0, 1, 23, 24, 255, 256, 65_536])
def test_a_value_of_any_number_of_members_is_encoded_in_order_and_decoded(size: int) -> None:
    value = {"list": [0] * size, "map": {str(number): number for number in range(size)}}
    data = canonical.encode(value)
    assert canonical.decode(data) == value
    assert decoded_the_long_way(data) == value
    keys = [cbor2.dumps(key) for key in cbor2.loads(data)["map"]]
    assert keys == sorted(keys)
