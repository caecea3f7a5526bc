"""Which regular expressions the API server understands as a model's validator does."""

from __future__ import annotations

import pytest

from rynxs.crds.patterns import check_re2
from rynxs.engine.resource import DNS_SUBDOMAIN

SOUND = [
    "",
    "^a$|^b$",
    "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
    r"^(?:[^\s]+?|\d{2,}|x{3})*$",
    r"^(?P<name>[\w.-]*)(?i)(?i:x)(?s-m:.)\bend\z",
    r"[]a][^]b][[:alpha:]_-][\]\[\\^]",
    r"\x41\x{1F600}\p{Greek}\pL\P{^Lu}\.\*\0\A",
    "^(a{10}(b{10}){10}){10}$",
    "^a{1000}b{1000}$",
    "^(a{31}){32}?$",
]
UNSOUND = [
    ("(?=a)", "'(?=a' begins what RE2 lacks"),
    ("(?!a)", "'(?!a' begins what RE2 lacks"),
    ("(?<=a)", "'(?<=' begins what RE2 lacks"),
    ("(?<!a)", "'(?<!' begins what RE2 lacks"),
    ("(?>a)", "'(?>a' begins what RE2 lacks"),
    ("(?#a)", "'(?#a' begins what RE2 lacks"),
    ("(?(1)a)", "'(?(1' begins what RE2 lacks"),
    ("(?x)a", "'(?x)' begins what RE2 lacks"),
    ("(?<n>a)", "'(?<n' begins what RE2 lacks"),
    ("(?P<n>a)(?P=n)", "'(?P=' begins what RE2 lacks"),
    (r"(a)\1", r"\1 refers back to a group"),
    (r"a\Z", r"\Z is no escape that RE2 knows"),
    (r"[\b]", r"\b is no escape that RE2 knows here"),
    (r"\u0041", r"\u is no escape"),
    (r"\d++", "'+' repeats, or makes possessive, what is repeated"),
    ("a*+", "'+' repeats, or makes possessive"),
    ("a{2}{3}", "'{' repeats, or makes possessive"),
    ("a+??", "'?' repeats, or makes possessive"),
    ("a{,3}", "'{' begins no count such as {2}, {2,} or {0,2}; escape it"),
    ("a{1001}", "{1001} asks for 1001 copies"),
    ("a{0,1001}", "{0,1001} asks for 1001 copies"),
    ("(a{2,}b{3,500}){3}", "{3} asks for 1500 copies, those of nested repetitions multiplied"),
    ("((a{10}){10}b){11}", "{11} asks for 1100 copies"),
    ("[a&&b]", "'&' is not itself in every character class; escape it"),
    ("[a[b]]", "'[' is not itself in every character class"),
    ("[a", "a character class is not closed"),
    ("(a", "a group is not closed"),
    ("a)", "a group is closed that is not open"),
    ("*a", "'*' repeats nothing"),
    ("(|+)", "'+' repeats nothing"),
    ("a\\", "it ends in a backslash"),
]


@pytest.mark.parametrize("pattern", SOUND)
def test_what_re2_knows_is_taken(pattern: str) -> None:
    check_re2(pattern)


@pytest.mark.parametrize(("pattern", "reason"), UNSOUND)
def test_what_re2_lacks_or_reads_otherwise_is_refused_by_name(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError) as refused:
        check_re2(pattern)
    assert str(refused.value).startswith(reason)


def test_the_names_that_kubernetes_allows_anyway_are_told_by_a_lookahead() -> None:
    with pytest.raises(ValueError, match="RE2 lacks"):
        check_re2(DNS_SUBDOMAIN)
