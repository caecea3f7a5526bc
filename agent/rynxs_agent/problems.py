"""What is wrong with given data, in one line, and without the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

_TOLD_MAX = 3


def problems_of(error: ValidationError) -> str:
    """Return the first problems of a validation, each with where it is."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    told = [
        f"{'.'.join(map(str, each['loc']))}: {each['msg']}" if each["loc"] else each["msg"]
        for each in found[:_TOLD_MAX]
    ]
    left = len(found) - len(told)
    return "; ".join(told) + (f"; and {left} more" if left else "")
