"""Recognising literal credentials, which must never land in the log.

A log is append-only: a secret written to it stays. So the models refuse what looks like one: the
published token formats of common providers, private key blocks, and user info in URLs. A field
whose very name asks for a secret is answered with where the secret belongs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LITERALS = {
    "an API key": (
        r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16}|[sr]k_(?:live|test)_[A-Za-z0-9]{10}"
        r"|AIza[A-Za-z0-9_-]{35}|(?<![A-Za-z0-9])hf_[A-Za-z0-9]{30}|npm_[A-Za-z0-9]{36}"
    ),
    "a GitHub token": r"gh[opusr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22}",
    "a GitLab token": r"glpat-[A-Za-z0-9_-]{20}",
    "an AWS access key": r"(?:AKIA|ASIA)[A-Z0-9]{16}",
    "a Slack token": r"xox[abeoprs]-[A-Za-z0-9-]{10}",
    "a JSON Web Token": (
        r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,2000}\."
    ),
    "a private key": r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY|PRIVATE\+KEY\+",
    "user info in a URL": r"//[^/\s@]{1,1000}@",
    "a credential in a URL": (r"[?&][a-z_-]{0,20}(?:key|token|secret|password|passwd)=[^&\s#]{4}"),
    "an authorization header": r"(?:Bearer|Basic) [A-Za-z0-9._~+/-]{16}",
}
# Every repetition is bounded, so that the search is linear in the text.
_LITERAL = re.compile("|".join(f"({pattern})" for pattern in _LITERALS.values()), re.ASCII)
_NAMES = re.compile(
    r"api_?key|access_?key|secret_?key|private_?key|token|password|passwd|credential|secret",
    re.ASCII | re.IGNORECASE,
)


def find_credential(text: str) -> str | None:
    """Return what kind of credential a text holds, such as ``an API key``, or None."""
    match = _LITERAL.search(text)
    if match is None:
        return None
    assert match.lastindex is not None
    return list(_LITERALS)[match.lastindex - 1]


def names_credential(field: str) -> bool:
    """Tell whether a field's name asks for a secret value."""
    return _NAMES.search(field) is not None


def walk_credentials(value: object, steps: tuple[object, ...]) -> Iterator[tuple[object, ...]]:
    """Yield the location of each literal credential in the keys and values of a JSON value."""
    if isinstance(value, str):
        if find_credential(value):
            yield steps
    elif isinstance(value, dict):
        for key, member in value.items():
            if find_credential(str(key)):
                yield (*steps, "<key>")
            yield from walk_credentials(member, (*steps, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from walk_credentials(member, (*steps, index))


def shown(text: str) -> str:
    """Return a text for an error message, unless it holds a credential."""
    return "(a credential, not shown)" if find_credential(text) else text
