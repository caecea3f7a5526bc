"""An S3 bucket, and the driver's client for it, as far as the S3 sink uses one.

The bucket is as S3 has been since 2020 and 2024: strongly consistent, with conditional writes.
"""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any

from rynxs.simulation.fiber import current
from rynxs.simulation.network import Request, Unanswered
from rynxs.simulation.world import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rynxs.simulation.faults import Faults
    from rynxs.simulation.machine import OsProcess
    from rynxs.simulation.network import Network

SERVER = "bucket"
_LIMIT_US = 10 * SECOND


class Refused(Exception):
    """What the server answers to a request that it does not carry out, or says so."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class Bucket:
    """What the server holds.

    Attributes:
        objects: data by key.
    """

    def __init__(self, faults: Faults) -> None:
        """Hold nothing."""
        self.objects: dict[str, bytes] = {}
        self._faults = faults

    def carry_out(self, operation: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a request, with all that goes wrong.

        Raises:
            Refused: it is not carried out, or that is what the server says.
        """
        what = f"{operation} {wanted.get('Key') or wanted.get('Prefix', '')}"
        for kind, status, code in (
            ("server error", 500, "InternalError"),
            ("slow down", 503, "SlowDown"),
        ):
            if self._happens(kind, what):
                raise Refused(status, code)
        if operation == "PutObject" and len(wanted) > _PLAIN and self._happens("contended", what):
            raise Refused(409, "ConditionalRequestConflict")
        answer = self.answer(operation, wanted)
        if self._happens("server error after the effect", what):
            raise Refused(500, "InternalError")
        return answer

    def answer(self, operation: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a request, without anything going wrong."""
        answers: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "PutObject": self._put,
            "GetObject": self._get,
            "ListObjectsV2": self._list,
            "ListObjectVersions": self._list_versions,
            "DeleteObject": self._delete,
        }
        return answers[operation](wanted)

    def _put(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        key, found = wanted["Key"], self.objects.get(wanted["Key"])
        if wanted.get("IfNoneMatch") == "*" and found is not None:
            raise Refused(412, "PreconditionFailed")
        if "IfMatch" in wanted and (found is None or _etag(found) != wanted["IfMatch"]):
            raise Refused(412, "PreconditionFailed")
        self.objects[key] = bytes(wanted["Body"])
        return {"ETag": _etag(self.objects[key])}

    def _get(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        data = self.objects.get(wanted["Key"])
        if data is None:
            raise Refused(404, "NoSuchKey")
        return {"Body": _Body(data), "ContentLength": len(data), "ETag": _etag(data)}

    def _list(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        prefix, after = wanted["Prefix"], wanted.get("StartAfter", "")
        keys = [key for key in sorted(self.objects) if key.startswith(prefix) and key > after]
        page = keys[: wanted["MaxKeys"]]
        contents = [{"Key": key, "ETag": _etag(self.objects[key])} for key in page]
        return {"Contents": contents, "IsTruncated": len(page) < len(keys)}

    def _list_versions(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        keys = [key for key in sorted(self.objects) if key.startswith(wanted["Prefix"])]
        versions = [{"Key": key, "VersionId": "null", "IsLatest": True} for key in keys]
        return {"Versions": versions, "IsTruncated": False}

    def _delete(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        self.objects.pop(wanted["Key"], None)
        return {}

    def _happens(self, kind: str, what: str) -> bool:
        return self._faults.happens("bucket", kind, what)


_PLAIN = len(("Bucket", "Key", "Body", "ChecksumAlgorithm", "ChecksumCRC32"))


class Client:
    """What the sink of one process takes for boto3's client.

    Called outside of a fiber it answers at once, and nothing goes wrong.
    """

    def __init__(
        self, bucket: Bucket, network: Network, process: OsProcess, faults: Faults
    ) -> None:
        self._bucket = bucket
        self._network = network
        self._process = process
        self._faults = faults

    def put_object(self, **wanted: Any) -> dict[str, Any]:
        """Store an object."""
        return self._ask("PutObject", wanted)

    def get_object(self, **wanted: Any) -> dict[str, Any]:
        """Return an object."""
        answer = self._ask("GetObject", wanted)
        if current() is not None and self._faults.happens("bucket", "answer damaged", "GetObject"):
            from botocore.exceptions import FlexibleChecksumError

            raise FlexibleChecksumError(error_msg="the checksum does not match")
        return answer

    def list_objects_v2(self, **wanted: Any) -> dict[str, Any]:
        """Return some keys."""
        return self._ask("ListObjectsV2", wanted)

    def list_object_versions(self, **wanted: Any) -> dict[str, Any]:
        """Return versions of objects."""
        return self._ask("ListObjectVersions", wanted)

    def delete_object(self, **wanted: Any) -> dict[str, Any]:
        """Remove an object."""
        return self._ask("DeleteObject", wanted)

    def close(self) -> None:
        """Close no connections."""

    def _ask(self, operation: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        fiber = current()
        if fiber is None:
            return _raised_as_the_driver(operation, lambda: self._bucket.answer(operation, wanted))
        told: list[tuple[Any, Exception | None]] = []

        def answered(result: Any, error: Exception | None) -> None:
            told.append((result, error))
            fiber.go_on()

        what = f"{self._process.name} {operation} {wanted.get('Key', '')}"
        request = Request(
            SERVER, what, lambda: self._bucket.carry_out(operation, wanted), _LIMIT_US
        )
        self._network.ask(self._process, request, answered)
        fiber.wait()
        result, error = told[0]

        def answer() -> dict[str, Any]:
            if error is not None:
                raise error
            found: dict[str, Any] = result
            return found

        return _raised_as_the_driver(operation, answer)


class _Body(BytesIO):
    """A stream that is read once."""


def _raised_as_the_driver(operation: str, answer: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

    try:
        return answer()
    except Refused as error:
        said = {"Code": error.code, "Message": error.code}
        response = {"Error": said, "ResponseMetadata": {"HTTPStatusCode": error.status}}
        raise ClientError(response, operation) from None
    except Unanswered as error:
        if error.was_sent:
            raise ReadTimeoutError(endpoint_url=SERVER) from None
        raise EndpointConnectionError(endpoint_url=SERVER) from None


def _etag(data: bytes) -> str:
    return f'"{sha256(data).hexdigest()[:32]}"'
