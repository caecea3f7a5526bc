from __future__ import annotations

import pytest

from rynxs.credentials import find_credential, names_credential, walk_credentials


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("sk-proj-abcdefghijklmnop1234", "an API key"),
        ("key=AIza" + "a" * 35, "an API key"),
        ("ghp_" + "a" * 36, "a GitHub token"),
        ("github_pat_" + "A1b2" * 6, "a GitHub token"),
        ("glpat-" + "a" * 20, "a GitLab token"),
        ("AKIA" + "A" * 16, "an AWS access key"),
        ("xoxb-1234567890-abc", "a Slack token"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc", "a JSON Web Token"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
        ("PRIVATE+KEY+name+01020304+AAAA", "a private key"),
        ("https://user:secret@example.org/", "user info in a URL"),
        ("postgres://u@db/x", "user info in a URL"),
        ("//user:pass#word@example.org", "user info in a URL"),
        ("x_sk-abcdefghijklmnop1234", "an API key"),
        ("sk_live_abcdefghij1234", "an API key"),
        ("xAKIA" + "A" * 16, "an AWS access key"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----", "a private key"),
        ("https://example.org/?api_key=abcdef", "a credential in a URL"),
        ("Authorization: Bearer abcdefghijklmnop", "an authorization header"),
    ],
)
def test_a_literal_credential_is_recognised(text: str, kind: str) -> None:
    assert find_credential(text) == kind
    assert find_credential(f"before {text}") == kind


@pytest.mark.parametrize(
    "text",
    [
        "ghcr.io/rynxs/agent",
        "sk-short",
        "https://example.org/path@version",
        "https://example.org/?page=2&sort=key",
        "https://example.org/?q=a@b",
        "someone@example.org",
        "sha256:" + "a" * 64,
        "task-list-of-the-whole-team-and-more",
        "disk-abcdefghijklmnopqrstuvwxyz",
        "",
    ],
)
def test_ordinary_text_is_not_taken_for_a_credential(text: str) -> None:
    assert find_credential(text) is None


@pytest.mark.parametrize(
    "unit", ["x", "a:", "eyJ-", "sk-", "://", "//a", "-----BEGIN ", "gh", ".", "?key"]
)
def test_a_long_hostile_text_is_searched_in_linear_time(unit: str) -> None:
    """With an unbounded repetition it would take the better part of an hour."""
    assert find_credential(unit * (500_000 // len(unit))) in {None, "an API key"}


def test_names_that_ask_for_a_secret_are_recognised() -> None:
    assert all(map(names_credential, ["apiKey", "api_key", "TOKEN", "dbPassword", "secretKey"]))
    assert not any(map(names_credential, ["model", "baseUrl", "name", "key"]))


def test_credentials_are_found_in_keys_and_values_at_any_depth() -> None:
    token = "ghp_" + "a" * 36
    value = {"a": [1, {"b": token}], token: None}
    assert list(walk_credentials(value, ("spec",))) == [
        ("spec", "a", 1, "b"),
        ("spec", "<key>"),
    ]
