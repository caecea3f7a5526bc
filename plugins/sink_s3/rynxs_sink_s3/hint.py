"""The tail hint: which batch was the last one, some time ago. It saves requests and is no truth.

A JSON object under the key ``hint``: of that batch the ``first`` seq, the number of ``records``,
and ``head``, the leaf hash of its last record.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from rynxs.api import RECORDS_MAX

if TYPE_CHECKING:
    from rynxs_sink_s3.batch_object import Batch

KEY = "hint"
SIZE_MAX = 4_096
_SEQ_LIMIT = 2**63


class Hint(NamedTuple):
    """What a hint says of the last batch."""

    first: int
    records: int
    head: str

    def fits(self, batch: Batch) -> bool:
        """Tell whether a batch is the one that the hint means."""
        return self == hint_of(batch)


def hint_of(batch: Batch) -> Hint:
    """Return the hint that names a batch."""
    head = sha256(b"\x00" + batch.records[-1].header).hexdigest()
    return Hint(batch.first_seq, len(batch.records), head)


def encode_hint(hint: Hint) -> bytes:
    """Return a hint as it is stored."""
    return json.dumps(hint._asdict(), sort_keys=True).encode()


def decode_hint(data: bytes) -> Hint | None:
    """Return a stored hint; None for anything that is none."""
    try:
        hint = Hint(**json.loads(data))
    except (ValueError, TypeError, RecursionError):
        return None
    is_sound = (
        type(hint.first) is int
        and 0 <= hint.first < _SEQ_LIMIT
        and type(hint.records) is int
        and 0 < hint.records <= RECORDS_MAX
        and isinstance(hint.head, str)
    )
    return hint if is_sound else None
