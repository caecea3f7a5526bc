"""The probe at the start of a writer: does this server create a key only once?

A server that ignores ``If-None-Match``, or checks it without doing so atomically, would let two
writers fork the log. So several PUTs of one new key are sent at once, and exactly one may succeed.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from rynxs.api import SinkUnavailable
from rynxs_sink_s3.failures import Outcome

if TYPE_CHECKING:
    from rynxs_sink_s3.bucket import Bucket

PROBES = "probe/"
_AT_ONCE = 5  # as many as an opening in twelve requests has room for
_LOST = {Outcome.PRECONDITION, Outcome.CONTENDED}
_DATA = [b"%d\n" % number for number in range(_AT_ONCE)]


def probe(bucket: Bucket, token: bytes) -> None:
    """Refuse a server on which conditional writes are no fence.

    Args:
        bucket: where to write the key, below ``probe/``; whoever owns the bucket lets it expire.
        token: random bytes, so that the key is new.

    Raises:
        SinkUnavailable: not exactly one of the PUTs has succeeded, or the server did not say.
    """
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="rynxs-s3-probe") as threads:
        for attempt in range(bucket.patience.attempts):
            key = f"{PROBES}{token.hex()}-{attempt}"
            failures = list(threads.map(bucket.create_at_once, [key] * _AT_ONCE, _DATA))
            successes = failures.count(None)
            told = [failure for failure in failures if failure is not None]
            refused = [failure.outcome is Outcome.PRECONDITION for failure in told]
            if successes > 1 or (successes == 0 and all(refused)):
                raise SinkUnavailable(
                    f"{bucket.url}: of {_AT_ONCE} simultaneous PUTs of one new key with "
                    f"If-None-Match: *, {successes} succeeded; this server can't keep two writers "
                    "apart, so none may lead"
                )
            unsaid = [failure for failure in told if failure.outcome not in _LOST]
            if successes and not unsaid:
                return
            is_last = attempt + 1 == bucket.patience.attempts
            if is_last or any(failure.outcome is Outcome.REFUSED for failure in unsaid):
                raise SinkUnavailable(f"{bucket.url}: {(unsaid or told)[0].sentence}")
            bucket.patience.pause(attempt)
