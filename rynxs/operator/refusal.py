"""What the API server says when it refuses: a Status (meta.k8s.io/v1), as `ClusterError`.

Its messages repeat what was sent, and end up in logs and Events. What they repeat is left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rynxs.operator.cluster import ClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MESSAGE_MAX = 1000
_INVALID = 422
_VALUE = re.compile(
    r'\b((?!Required)\w+ value|Not found): (?:"(?:[^"\\]|\\.)*"|.*(?=: )|.*)|&value\.\w+\{.*\}',
    re.DOTALL,
)
"""A value: in errors of a field (k8s.io/apimachinery, field.Error), and of server-side apply."""
_KEY = re.compile(r"\[(?![0-9]+\])[^\]]*\]")
"""A key of a map in the path of a field: whoever wrote a spec may have chosen it."""


def error_of(
    status: int, told: Mapping[str, Any], reason: str, retry_after: str | None
) -> ClusterError:
    """Return the error that an answer tells.

    Args:
        status: of HTTP.
        told: a Status, or what there is of one.
        reason: of HTTP, if the Status gives none.
        retry_after: the header, None for none.
    """
    details = told.get("details") or {}
    wait = retry_after or str(details.get("retryAfterSeconds") or "")
    return ClusterError(
        status,
        str(told.get("reason") or reason),
        _message(status, told, details)[:_MESSAGE_MAX],
        float(wait) if wait.isascii() and wait.isdigit() else None,
    )


def _message(status: int, told: Mapping[str, Any], details: Mapping[str, Any]) -> str:
    causes = details.get("causes") or []
    if status == _INVALID and causes:
        fields = (
            f"{_without_keys(str(cause.get('field')))}: {without_value(str(cause.get('message')))}"
            for cause in causes
        )
        return f"{details.get('kind')} {details.get('name')} is invalid: {'; '.join(fields)}"
    return without_value(str(told.get("message") or "no reason given"))


def without_value(message: str) -> str:
    """Return a message of the API server without the value that it repeats, if it does."""
    return _VALUE.sub(lambda found: f"{found[1] or 'a value'} (not shown)", message)


def _without_keys(path: str) -> str:
    """Return the path of a field without keys of maps; where in a list it is stays."""
    return _KEY.sub("[key not shown]", path)
