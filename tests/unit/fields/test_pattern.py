"""Patterns of names, and the names that objects may have."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rynxs.fields import DnsLabel, DnsSubdomain, LabelValue, NamePattern, SecretKey, covers

PATTERNS = st.from_regex(r"[ab]{0,3}\*?", fullmatch=True)


def is_valid(kind: Any, text: str) -> bool:
    try:
        TypeAdapter(kind).validate_python(text)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("pattern", "asked", "covered"),
    [
        ("files", "files", True),
        ("files", "files2", False),
        ("files", "file", False),
        ("files", "Files", False),
        ("files", "files*", False),
        ("files*", "files", True),
        ("files*", "files-read", True),
        ("files*", "files*", True),
        ("files*", "files-*", True),
        ("files-*", "files*", False),
        ("files*", "*", False),
        ("*", "*", True),
        ("*", "anything", True),
        ("mcp:search/*", "mcp:search/web", True),
        ("mcp:search/*", "mcp:searches", False),
        ("a.c", "abc", False),
        ("a*", "", False),
    ],
)
def test_a_pattern_covers_its_name_or_what_starts_with_it(
    pattern: str, asked: str, covered: bool
) -> None:
    assert covers(pattern, asked) is covered


@given(PATTERNS, PATTERNS, st.text("ab", max_size=5))
def test_who_covers_a_pattern_covers_all_that_it_covers(one: str, other: str, name: str) -> None:
    if covers(one, other) and covers(other, name):
        assert covers(one, name)


@given(PATTERNS)
def test_every_pattern_covers_itself(pattern: str) -> None:
    assert covers(pattern, pattern)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("files", True),
        ("files*", True),
        ("*", True),
        ("mcp:search/web.v1_2-3", True),
        ("", False),
        ("**", False),
        ("a*b", False),
        ("*a", False),
        ("-a", False),
        ("a b", False),
        ("a\n", False),
        ("a" * 254, False),
        ("ghp_" + "a" * 36, False),
    ],
)
def test_a_star_stands_only_at_the_end(text: str, valid: bool) -> None:
    assert is_valid(NamePattern, text) is valid


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (
            DnsLabel,
            ["a", "0", "a-b", "a" * 63],
            ["", "-a", "a-", "A", "a.b", "a_b", "a\n", "a" * 64],
        ),
        (
            DnsSubdomain,
            ["a", "a.b-c.d", ".".join("a" * 127), f"{'a' * 63}.b"],
            ["", ".a", "a.", "a..b", "A.b", "a.-b", f"{'a' * 64}.b", ".".join("a" * 128)],
        ),
        (
            LabelValue,
            ["a", "A_b.c-9", "a" * 63],
            ["", "-a", "a-", "a b", "a/b", "a" * 64],
        ),
        (
            SecretKey,
            ["key", ".env", "API_KEY", "tls.crt", "-"],
            ["", "a/b", "a b", "a\n", "a" * 254],
        ),
    ],
)
def test_names_are_as_kubernetes_takes_them(kind: Any, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if not is_valid(kind, text)] == []
    assert [text for text in bad if is_valid(kind, text)] == []
