"""Counting the requests that a piece of code makes of S3."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from botocore.client import BaseClient

if TYPE_CHECKING:
    from collections.abc import Iterator


class Requests(list[tuple[str, str]]):
    """Operation and key of each request, in order."""

    def count_of(self, operation: str, part: str) -> int:
        """Return how many requests of an operation have `part` in their key."""
        return sum(each == operation and part in key for each, key in self)


@contextmanager
def counted() -> Iterator[Requests]:
    """Note the requests made within."""
    requests = Requests()
    real = BaseClient._make_api_call  # noqa: SLF001 (the one place that all requests pass)

    def noting(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        requests.append((operation, parameters.get("Key", "")))
        return real(client, operation, parameters)

    with patch.object(BaseClient, "_make_api_call", noting):
        yield requests
