from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rynxs import documents
from rynxs.documents import dump_documents, parse_documents, read_documents
from rynxs.errors import ManifestError

if TYPE_CHECKING:
    from pathlib import Path

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n")) | (
    st.sampled_from(["yes", "1e3", "0o7", "1:30", "2026-01-01", "~", "<<", "=", ".5", "-", "null"])
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)


def values(text: str) -> list[Any]:
    return [document.value for document in parse_documents(text.encode(), "a.yaml")]


def test_documents_come_with_their_place_and_empty_ones_are_left_out() -> None:
    found = parse_documents(b"# comment\na: 1\n---\n---\nb: 2\n", "a.yaml")
    assert [(d.value, d.place) for d in found] == [({"a": 1}, "a.yaml:2"), ({"b": 2}, "a.yaml:5")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-01", "2026-01-01"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("yes", True),
        ("Off", False),
        ("0x1F", 31),
        ("0o17", 15),
        ("017", 15),
        ("-017", -15),
        ("08", 8.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("~", None),
        ("'1'", "1"),
        ("v1", "v1"),
        ("=", "="),
    ],
)
def test_scalars_resolve_as_kubectl_resolves_them(text: str, value: Any) -> None:
    (found,) = values(f"a: {text}")
    assert found["a"] == value
    assert type(found["a"]) is type(value)


@pytest.mark.parametrize("text", ["9" * 1_000, "-0x" + "f" * 830, "-0" + "7" * 1_107])
def test_the_longest_integer_is_read_back_as_it_is_written(text: str) -> None:
    (number,) = values(text)
    assert abs(number) >= 10**999
    assert values(dump_documents([number])) == [number]


def test_infinities_and_nan_are_read_so_that_they_can_be_refused_by_name() -> None:
    (found,) = values("[.inf, -.Inf, .nan]")
    assert [repr(number) for number in found] == ["inf", "-inf", "nan"]


def test_anchors_aliases_and_merge_keys_work_within_bounds() -> None:
    (found,) = values("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\nagain: *b")
    assert found == {"base": {"x": 1, "y": 2}, "use": {"x": 1, "y": 3}, "again": {"x": 1, "y": 2}}


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 10)}]\n" for n in range(8)
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "more than 500000 values"),
        ("a: &a [*a]", "alias \\*a is not defined before here"),
        ("[" * 10_000, "deeper than 128|exceeded"),
        ("a:\n" + "".join(" " * n + "- \n" for n in range(200)), "sequence|deeper"),
        ("a: 1\nb: 2\na: 3", r"a\.yaml:3: key 'a' stands twice"),
        ("1: a", "key 1 is not text; quote it"),
        ("yes: a", "key True is not text"),
        ("? [a]\n: b", "not text"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
        ("a: !!binary aGk=", "could not determine a constructor"),
        ("a: !custom x", "could not determine a constructor"),
        ("a: [1", "a.yaml:"),
        ("a: b: c", "a.yaml:1"),
        ("a: \x01", "a.yaml"),
        ("a: " + "9" * 5000, "number of 5000 characters is too long"),
        ("a: 0x" + "f" * 3_600, "number of 3602 characters is too long"),
        ("a: 0" + "7" * 5_000, "number of 5001 characters is too long"),
        ("a: 1" + "0" * 1_000, "number of 1001 characters is too long"),
        ("a: !!int x", "not a number"),
        ("!!map foo", "a tag stands|expected a mapping"),
        ("!!map [a, b]", "a tag stands|expected a mapping"),
        ("a: !!bool foo", "a tag stands"),
        ("a: !!seq x", "a tag stands|expected a sequence"),
    ],
)
def test_what_is_not_plain_data_within_bounds_is_refused_with_its_place(
    text: str, reason: str
) -> None:
    with pytest.raises(ManifestError, match=reason):
        values(text)


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(ManifestError, match="byte 3 is not UTF-8"):
        parse_documents(b"a: \xff", "a.yaml")


def test_a_twenty_megabyte_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_bytes(b"a: " + b"x" * 20_000_000)
    with pytest.raises(ManifestError, match="larger than 8388608 bytes"):
        read_documents(file)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(ManifestError, match=str(path)):
            read_documents(path)


@given(VALUES)
def test_what_is_written_is_read_back_by_us_and_by_a_yaml_1_1_reader(value: Any) -> None:
    text = dump_documents([{"value": value}])
    if value is not None:
        assert values(text) == [{"value": value}]
    assert yaml.safe_load(text) == {"value": value}


def test_several_documents_are_separated_and_several_lines_stay_lines() -> None:
    assert dump_documents([{"a": 1}, {"b": "x\ny\n"}]) == "---\na: 1\n---\nb: |\n  x\n  y\n"


@given(st.text(max_size=60))
def test_arbitrary_text_is_read_or_refused_with_a_typed_error(text: str) -> None:
    try:
        parse_documents(text.encode(errors="replace"), "a.yaml")
    except ManifestError:
        return


def test_the_dumper_does_not_change_pyyaml_itself() -> None:
    assert documents._Dumper.yaml_implicit_resolvers is not yaml.SafeDumper.yaml_implicit_resolvers
    assert yaml.safe_load("a: 1:30") == {"a": 90}
