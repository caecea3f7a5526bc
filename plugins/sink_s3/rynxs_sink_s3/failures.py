"""What a failed request means: whether it may have been carried out, and how to tell the user."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any, NamedTuple

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

FAILURES = (boto.BotoCoreError, boto.ClientError, ResponseParserError, HTTPError, OSError)
PRECONDITION_FAILED = 412
_ABSENT_CODES = {
    *("NoSuchKey", "404", "NoSuchVersion"),
    *("NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"),
}
_CONTENDED = 409
_USER_INFO = re.compile(r"//[^/\s\"']*@")
_AGAIN_STATUSES = {408, 425, 429}
_SERVER_ERROR = 500
_AGAIN_CODES = {
    *("RequestTimeout", "SlowDown", "Throttling", "ThrottlingException", "InternalError"),
    # The request was damaged on its way.
    *("BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"),
}
_CREDENTIALS = "the credentials are refused ({code}); they come from AWS_ACCESS_KEY_ID and "
_SENTENCES = {
    "NoSuchBucket": "the bucket does not exist; make it first",
    "InvalidAccessKeyId": _CREDENTIALS + "AWS_SECRET_ACCESS_KEY, or from the configured profile",
    "SignatureDoesNotMatch": _CREDENTIALS + "AWS_SECRET_ACCESS_KEY, or from the configured profile",
    "InvalidToken": _CREDENTIALS + "AWS_SESSION_TOKEN, or from the configured profile",
    "InvalidTokenId": _CREDENTIALS + "AWS_SESSION_TOKEN, or from the configured profile",
    "XAdminUserNotFound": _CREDENTIALS + "AWS_SECRET_ACCESS_KEY, or from the configured profile",
    "InvalidClientTokenId": _CREDENTIALS + "AWS_SECRET_ACCESS_KEY, or from the configured profile",
    "ExpiredToken": "the credentials have expired; renew them and try again",
    "ExpiredTokenException": "the credentials have expired; renew them and try again",
    "RequestTimeTooSkewed": "the clock of this machine differs too much from the server's; set it",
    "AccessDenied": "{operation} of {key} is not allowed; grant it to these credentials",
    "403": "{operation} of {key} is not allowed; grant it to these credentials",
    "PermanentRedirect": "the bucket is in another region; set region",
    "AuthorizationHeaderMalformed": "the bucket is in another region; set region ({message})",
    "NotImplemented": "the server does not know {operation} as it is needed ({message})",
}


class Outcome(Enum):
    """What a failed request leaves behind."""

    REFUSED = "refused"  # not carried out, and sending it again would not help
    NOT_DONE = "not done"  # not carried out; it may be sent again
    CONTENDED = "contended"  # not carried out, for another write of the key was going on
    IN_DOUBT = "in doubt"  # perhaps carried out, now or later; it may be sent again
    PRECONDITION = "precondition"  # the key exists, or is of another version
    ABSENT = "absent"  # there is no such key, version or configuration


class Failure(NamedTuple):
    """A failed request."""

    outcome: Outcome
    sentence: str


_ERRORS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Outcome, str], ...] = (
    (boto.SSLError, Outcome.REFUSED, "TLS fails: {error}; check endpoint, tls and caFile"),
    (
        (boto.NoCredentialsError, boto.PartialCredentialsError),
        Outcome.REFUSED,
        "{error}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile",
    ),
    (
        (boto.EndpointConnectionError, boto.ConnectTimeoutError),
        Outcome.NOT_DONE,
        "{error}; check endpoint, and whether the server runs",
    ),
    (
        boto.ReadTimeoutError,
        Outcome.IN_DOUBT,
        "{operation} of {key}: {error}; try again, or raise readTimeoutMs",
    ),
    (
        (boto.ConnectionClosedError, boto.ResponseStreamingError, HTTPError, OSError),
        Outcome.IN_DOUBT,
        "{operation} of {key}: {error}; try again, or set tls if the server wants it",
    ),
    (
        ResponseParserError,
        Outcome.IN_DOUBT,
        "{operation} of {key}: no answer of an S3 server; is TLS wanted there, or is it not?",
    ),
    # The connection broke, the answer is late, cut short or damaged.
    (
        (boto.HTTPClientError, boto.IncompleteReadError, boto.FlexibleChecksumError),
        Outcome.IN_DOUBT,
        "{operation} of {key}: {error}",
    ),
    (boto.BotoCoreError, Outcome.REFUSED, "{operation} of {key}: {error}"),
)


def classify(error: Exception, operation: str, key: str) -> Failure:
    """Say what an error of boto3 means for the request that it ended."""
    if isinstance(error, boto.ClientError):
        return _of_response(error, operation, key)
    for kinds, outcome, sentence in _ERRORS:
        if isinstance(error, kinds):
            text = _without_credentials(str(error).rstrip("."))
            return Failure(outcome, sentence.format(error=text, key=key, operation=operation))
    raise AssertionError(f"{type(error)} is not one of the driver's errors") from error


def _without_credentials(text: str) -> str:
    """Return an error's text without what it quotes of headers and of a URL's user info."""
    if "Invalid header value" in text:
        return "a credential, or the region, holds a line break or another character it must not"
    return _USER_INFO.sub("//...@", text)


def _of_response(error: boto.ClientError, operation: str, key: str) -> Failure:
    response: dict[str, Any] = error.response
    code = str(response.get("Error", {}).get("Code", ""))
    message = str(response.get("Error", {}).get("Message", "")).strip()
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _SENTENCES:
        sentence = _SENTENCES[code].format(code=code, key=key, message=message, operation=operation)
        return Failure(Outcome.REFUSED, sentence)
    sentence = f"{operation} of {key}: the server answers {code or status}"
    if message and message != code:
        sentence += f", {message}"
    if status == PRECONDITION_FAILED:
        return Failure(Outcome.PRECONDITION, sentence)
    if code in _ABSENT_CODES:
        return Failure(Outcome.ABSENT, sentence)
    if status == _CONTENDED:
        return Failure(Outcome.CONTENDED, sentence)
    if status >= _SERVER_ERROR or status in _AGAIN_STATUSES or code in _AGAIN_CODES:
        return Failure(Outcome.IN_DOUBT, sentence)
    return Failure(Outcome.REFUSED, sentence)
