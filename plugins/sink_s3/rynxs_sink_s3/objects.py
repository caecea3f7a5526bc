"""Named objects: one key each, below the log's prefix; versions are ETags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rynxs.api import (
    ABSENT,
    ANY,
    SinkConflict,
    SinkUnavailable,
    StoredObject,
    check_object_name,
    is_object_name,
)
from rynxs_sink_s3.batch_object import LOG, PAYLOADS
from rynxs_sink_s3.bucket import Refused

if TYPE_CHECKING:
    from rynxs.api import Expect
    from rynxs_sink_s3.bucket import Bucket

_CHECKPOINTS = "checkpoints/"
_CHECKPOINT = re.compile(rf"{_CHECKPOINTS}([0-9]{{20}})", re.ASCII)
_STEPPED_OVER = (LOG, PAYLOADS)
SIZE_MAX = 64 * 1024 * 1024


def get_object(bucket: Bucket, name: str) -> StoredObject | None:
    """Return an object, or None."""
    check_object_name(name)
    stored = bucket.fetch(name, SIZE_MAX)
    if stored is None:
        return None
    if len(stored.data) > SIZE_MAX:
        raise SinkUnavailable(f"{bucket.url}: {name} has over {SIZE_MAX} bytes, it is not ours")
    return StoredObject(stored.data, stored.etag)


def put_object(bucket: Bucket, name: str, data: bytes, expect: Expect | str) -> str:
    """Store an object and return its version.

    A PUT that is refused after an attempt whose answer was lost has succeeded if the object holds
    what it was to hold.

    Raises:
        SinkConflict: the present version is not the expected one.
    """
    check_object_name(name)
    if expect is ANY:
        return bucket.store(name, data)
    outcome = (
        bucket.create(name, data) if expect is ABSENT else bucket.replace(name, data, str(expect))
    )
    if not isinstance(outcome, Refused):
        return outcome
    found = bucket.fetch(name, SIZE_MAX)
    if outcome.in_doubt and found is not None and found.data == data:
        return found.etag
    wanted = "absent" if expect is ABSENT else expect
    raise SinkConflict(
        f"{bucket.url}: {name}: version is {found.etag if found else 'absent'}, "
        f"{wanted} was expected"
    )


def list_objects(bucket: Bucket, prefix: str) -> list[str]:
    """Return the names that start with `prefix`, sorted; the log's own keys are stepped over."""
    names: list[str] = []
    after, is_last = "", False
    while not is_last:
        page = bucket.keys(prefix, after)
        is_last = page.is_last
        names += filter(is_object_name, page.keys)
        after = page.keys[-1] if page.keys else after
        for own in _STEPPED_OVER:
            if after.startswith(own):
                after = own + "~"
    return sorted(names)


def checkpoint_sizes(bucket: Bucket, size: int) -> list[int]:
    """Return how much the next 1,000 checkpoints cover, ascending, of those over a size."""
    page = bucket.keys(_CHECKPOINTS, f"{_CHECKPOINTS}{size:020d}")
    return [int(matched[1]) for name in page.keys if (matched := _CHECKPOINT.fullmatch(name))]
