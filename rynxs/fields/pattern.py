"""Patterns of names: a name itself, or what it starts with and a star."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from rynxs.engine.resource import Text

NamePattern = Annotated[
    Text,
    StringConstraints(
        pattern=r"^([A-Za-z0-9][-A-Za-z0-9_.:/]{0,252})?\*?$", min_length=1, max_length=254
    ),
]
"""A name, or a prefix that ends in ``*``; ``*`` alone stands for every name."""


def covers(pattern: str, asked: str) -> bool:
    """Tell whether a pattern allows a name, or every name that a pattern asks for."""
    if pattern.endswith("*"):
        return asked.startswith(pattern[:-1])
    return asked == pattern
