"""Objects with all the versions that a bucket keeps of them: listing, removing, and their locks.

A bucket without versions lists each object as the one version ``null`` of itself.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from rynxs.api import SinkUnavailable
from rynxs_sink_s3.bucket import required

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rynxs_sink_s3.bucket import Bucket

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HELD = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # a legal hold has no date


class Version(NamedTuple):
    """A version of an object.

    Attributes:
        key: of the object, without the log's prefix.
        id: the server's.
        is_latest: whether it is what a GET gets.
        is_marker: whether it only says that the object is deleted.
    """

    key: str
    id: str
    is_latest: bool
    is_marker: bool


class Versions:
    """The versions of a bucket's objects below the log's prefix."""

    def __init__(self, bucket: Bucket, now: Callable[[], datetime]) -> None:
        """`now` is the wall clock: it tells a retention that is over."""
        self._bucket = bucket
        self._now = now

    def of(self, key: str) -> list[Version]:
        """Return the versions of one object, in the order to remove them.

        The latest comes last, so that never an older one is seen in its place.

        Raises:
            SinkUnavailable: the server can't be asked.
        """
        found = []
        for version in self._listed(key):  # in order of keys, and the key itself is the first
            if version.key > key:
                break
            found.append(version)
        return sorted(found, key=lambda version: version.is_latest)

    def below(self, prefix: str) -> list[Version]:
        """Return the versions of all objects whose keys start with `prefix`, as `of` does.

        Raises:
            SinkUnavailable: the server can't be asked.
        """
        return sorted(self._listed(prefix), key=lambda version: version.is_latest)

    def remove(self, versions: Iterable[Version]) -> None:
        """Remove versions for good.

        Raises:
            SinkUnavailable: the server refuses that, or can't be asked; some may be removed.
        """
        client, bucket = self._bucket.client, self._bucket
        for version in versions:
            wanted = {"Bucket": bucket.name, "Key": bucket.root + version.key}
            if version.id:
                wanted["VersionId"] = version.id

            def delete(wanted: dict[str, str] = wanted) -> None:
                client.delete_object(**wanted)

            bucket.ask("DeleteObject", version.key, delete)

    def locked_until(self, versions: Iterable[Version]) -> int | None:
        """Return when the last lock on these opens, in microseconds since 1970; None without any.

        A legal hold has no end; it counts as one until the end of the year 9999.

        Raises:
            SinkUnavailable: the server can't be asked.
        """
        kept = [version for version in versions if not version.is_marker]
        if not kept or not self._has_locks():
            return None
        now = self._now()
        dates = [date for version in kept if (date := self._locked_until(version)) and date > now]
        return (max(dates) - _EPOCH) // _MICROSECOND if dates else None

    def _has_locks(self) -> bool:
        client, bucket = self._bucket.client, self._bucket

        def configuration() -> Any:
            try:
                return client.get_object_lock_configuration(Bucket=bucket.name)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "NotImplemented":
                    return None  # a server without Object Lock
                raise

        return bucket.ask("GetObjectLockConfiguration", bucket.name, configuration) is not None

    def _locked_until(self, version: Version) -> datetime | None:
        client, bucket = self._bucket.client, self._bucket
        wanted = {"Bucket": bucket.name, "Key": bucket.root + version.key, "VersionId": version.id}
        held = bucket.ask(
            "GetObjectLegalHold", version.key, lambda: client.get_object_legal_hold(**wanted)
        )
        if held is not None and held.get("LegalHold", {}).get("Status") == "ON":
            return _HELD
        retention = bucket.ask(
            "GetObjectRetention", version.key, lambda: client.get_object_retention(**wanted)
        )
        until: datetime | None = (retention or {}).get("Retention", {}).get("RetainUntilDate")
        return until

    def _listed(self, prefix: str) -> Iterator[Version]:
        place: dict[str, str] = {}
        while True:
            answer = self._page(prefix, place)
            found = [
                *(self._version(each, is_marker=False) for each in answer.get("Versions", ())),
                *(self._version(each, is_marker=True) for each in answer.get("DeleteMarkers", ())),
            ]
            yield from sorted(found, key=lambda version: version.key)
            if not required(answer, "IsTruncated"):
                return
            place = {
                "KeyMarker": answer.get("NextKeyMarker", ""),
                "VersionIdMarker": answer.get("NextVersionIdMarker", ""),
            }

    def _page(self, prefix: str, place: dict[str, str]) -> Any:
        client, bucket = self._bucket.client, self._bucket
        wanted = {"Bucket": bucket.name, "Prefix": bucket.root + prefix, **place}
        answer = bucket.ask(
            "ListObjectVersions", prefix, lambda: client.list_object_versions(**wanted)
        )
        if answer is None:
            raise SinkUnavailable(f"{bucket.url}: the server can't list versions")
        return answer

    def _version(self, found: dict[str, Any], *, is_marker: bool) -> Version:
        key = required(found, "Key")[len(self._bucket.root) :]
        return Version(key, found.get("VersionId", ""), found.get("IsLatest", True), is_marker)
