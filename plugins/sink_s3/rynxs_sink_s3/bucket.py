"""The requests that the sink makes of a bucket: conditional and plain PUT, GET, and LIST.

Each is sent again, with exponential backoff and full jitter, while that can help. The driver's own
retries are off, for whether an earlier attempt may have been carried out decides what a 412 means.
"""

from __future__ import annotations

import base64
import random
import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from botocore.exceptions import FlexibleChecksumError
from botocore.parsers import ResponseParserError

from rynxs.api import SinkUnavailable
from rynxs_sink_s3.failures import FAILURES, Outcome, classify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rynxs_sink_s3.failures import Failure
    from rynxs_sink_s3.settings import S3Settings

_PAUSE_S_MAX = 5.0
_PAGE = 1_000


class Stored(NamedTuple):
    """An object as the server has it."""

    data: bytes
    etag: str


class Page(NamedTuple):
    """Part of a listing.

    Attributes:
        keys: in order, without the log's prefix.
        etags: of these keys.
        is_last: whether nothing comes after them.
    """

    keys: list[str]
    etags: list[str]
    is_last: bool


class Refused(NamedTuple):
    """A conditional PUT that met another state than the expected one.

    Attributes:
        in_doubt: whether an earlier attempt of the same PUT may have been carried out.
    """

    in_doubt: bool


class Patience(NamedTuple):
    """How often and after which pauses a request is sent again."""

    attempts: int
    backoff_s: float
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def pause(self, attempt: int) -> None:
        """Wait after the failure of an attempt, the first being 0."""
        self.sleep(min(self.backoff_s * 2**attempt, _PAUSE_S_MAX) * self.jitter())


class Bucket:
    """A bucket below a prefix. Safe for several threads, as boto3's clients are.

    Attributes:
        client: the driver's.
        name: of the bucket.
        root: what the log's keys start with in the bucket, empty or ending in a slash.
        patience: with which requests are sent.
        url: how errors name the log.
    """

    def __init__(self, client: Any, settings: S3Settings, patience: Patience) -> None:
        self.client = client
        self.name = settings.bucket
        self.root = f"{settings.prefix}/" if settings.prefix else ""
        self.patience = patience
        self._once = patience._replace(attempts=1)
        self._encryption: dict[str, Any] = {}
        if settings.sse is not None:
            self._encryption["ServerSideEncryption"] = settings.sse
        if settings.sse_kms_key_id is not None:
            self._encryption["SSEKMSKeyId"] = settings.sse_kms_key_id
        self.url = settings.url

    def create(
        self, key: str, data: bytes, extra: Mapping[str, Any] | None = None
    ) -> str | Refused:
        """Store an object whose key must not exist; return its ETag, or how that was refused.

        Raises:
            SinkUnavailable: the server did not say that it is stored; it may be all the same.
        """
        return self._put(key, data, {"IfNoneMatch": "*", **(extra or {})}, self.patience)

    def replace(self, key: str, data: bytes, etag: str) -> str | Refused:
        """Store an object whose key must be of a version; return its ETag, or how it was refused.

        Raises:
            SinkUnavailable: the server did not say that it is stored; it may be all the same.
        """
        return self._put(key, data, {"IfMatch": etag}, self.patience)

    def store(self, key: str, data: bytes) -> str:
        """Store an object, whatever was there; return its ETag.

        Raises:
            SinkUnavailable: the server did not say that it is stored; it may be all the same.
        """
        return self._stored(key, self._put(key, data, {}, self.patience))

    def try_to_store(self, key: str, data: bytes) -> bool:
        """Store an object in one attempt, and tell whether that worked."""
        try:
            self._put(key, data, {}, self._once)
        except SinkUnavailable:
            return False
        return True

    def create_at_once(self, key: str, data: bytes) -> Failure | None:
        """Store an object whose key must not exist, in one attempt; return why that failed."""
        try:
            self._send(key, data, {"IfNoneMatch": "*"})
        except FAILURES as error:
            return classify(error, "PutObject", key)
        return None

    def fetch(self, key: str, most: int) -> Stored | None:
        """Return an object, None when there is none; of one over `most` bytes one byte more.

        Raises:
            SinkUnavailable: the server can't be asked.
        """
        # The server's own checksum, where it has one, is checked as the bytes come in. What fails
        # it each time is damaged where it is stored, and judged by what it holds.
        checked = partial(self._get, key, most, ChecksumMode="ENABLED")
        stored: Stored | None
        try:
            stored = self.ask("GetObject", key, checked)
        except SinkUnavailable as error:
            if not isinstance(error.__cause__, FlexibleChecksumError):
                raise
            stored = self.ask("GetObject", key, partial(self._get, key, most))
        return stored

    def keys(self, prefix: str, after: str = "") -> Page:
        """Return up to 1,000 of the keys that start with `prefix`, those after `after`.

        Raises:
            SinkUnavailable: the server can't be asked.
        """
        options = {"StartAfter": self.root + after} if after else {}

        def list_objects() -> Page:
            answer = self.client.list_objects_v2(
                Bucket=self.name, Prefix=self.root + prefix, MaxKeys=_PAGE, **options
            )
            is_last = not required(answer, "IsTruncated")
            skipped = len(self.root)
            found = answer.get("Contents", ())
            keys = [each["Key"][skipped:] for each in found]
            if not keys and not is_last:
                raise ResponseParserError("a listing that goes on after no key")
            return Page(keys, [each.get("ETag", "") for each in found], is_last)

        page: Page | None = self.ask("ListObjectsV2", prefix or "objects", list_objects)
        if page is None:
            raise SinkUnavailable(f"{self.url}: the server can't list; is it an S3 server?")
        return page

    def ask(self, operation: str, key: str, request: Callable[[], Any]) -> Any:
        """Return what a request answers that may be sent twice; None when there is no such thing.

        Args:
            operation: its name, for errors.
            key: likewise.
            request: sends it.

        Raises:
            SinkUnavailable: it failed as often as it may.
        """
        for attempt in range(self.patience.attempts):
            try:
                return request()
            except FAILURES as error:
                failure = classify(error, operation, key)
                if failure.outcome is Outcome.ABSENT:
                    return None
                self._go_on(failure.outcome, failure.sentence, attempt, self.patience, error)
        raise AssertionError("the last attempt neither returned nor raised")

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _get(self, key: str, most: int, **options: str) -> Stored:
        answer = self.client.get_object(Bucket=self.name, Key=self.root + key, **options)
        with closing(answer["Body"]) as body:  # `with body` would give the unchecked stream beneath
            amount = most + 1 if required(answer, "ContentLength") > most else None
            return Stored(body.read(amount), required(answer, "ETag"))

    def _put(
        self, key: str, data: bytes, conditions: Mapping[str, Any], patience: Patience
    ) -> str | Refused:
        in_doubt = False
        for attempt in range(patience.attempts):
            try:
                return self._send(key, data, conditions)
            except FAILURES as error:
                failure = classify(error, "PutObject", key)
                if failure.outcome in {Outcome.PRECONDITION, Outcome.ABSENT}:
                    return Refused(in_doubt)
                in_doubt = in_doubt or failure.outcome is Outcome.IN_DOUBT
                self._go_on(failure.outcome, failure.sentence, attempt, patience, error)
        raise AssertionError("the last attempt neither returned nor raised")

    def _send(self, key: str, data: bytes, conditions: Mapping[str, Any]) -> str:
        answer = self.client.put_object(
            Bucket=self.name,
            Key=self.root + key,
            Body=data,
            ChecksumAlgorithm="CRC32",  # wanted by name where an object gets a retention
            ChecksumCRC32=base64.b64encode(crc32(data).to_bytes(4)).decode(),
            **self._encryption,
            **conditions,
        )
        wanted = self._encryption.get("ServerSideEncryption")
        if wanted is not None and answer.get("ServerSideEncryption") != wanted:
            # The probe of a writer comes here before anything of the log is written.
            raise SinkUnavailable(f"{self.url}: the server does not encrypt with sse {wanted}")
        return str(required(answer, "ETag"))

    def _go_on(
        self, outcome: Outcome, sentence: str, attempt: int, patience: Patience, error: Exception
    ) -> None:
        """Wait before the next attempt.

        Raises:
            SinkUnavailable: there is none, or it would not help.
        """
        is_last = attempt + 1 == patience.attempts
        if outcome in {Outcome.REFUSED, Outcome.PRECONDITION} or is_last:
            raise SinkUnavailable(f"{self.url}: {sentence}") from error
        patience.pause(attempt)

    def _stored(self, key: str, outcome: str | Refused) -> str:
        if isinstance(outcome, Refused):
            raise SinkUnavailable(
                f"{self.url}: the server refuses a PUT of {key} without condition"
            )
        return outcome


def required(answer: Mapping[str, Any], member: str) -> Any:
    """Return what the answer of every S3 server has.

    Raises:
        ResponseParserError: this one does not, so something else answers there.
    """
    if member not in answer:
        raise ResponseParserError(f"no {member}")
    return answer[member]
