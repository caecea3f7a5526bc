"""What each failure of a request means: whether it may have been done, and whether to go on."""

from __future__ import annotations

import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from urllib3.exceptions import ProtocolError

from rynxs_sink_s3.failures import FAILURES, Outcome, classify

URL = "http://server"
NOT_DONE, IN_DOUBT, REFUSED = Outcome.NOT_DONE, Outcome.IN_DOUBT, Outcome.REFUSED


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (boto.EndpointConnectionError(endpoint_url=URL), NOT_DONE),
        (boto.ConnectTimeoutError(endpoint_url=URL), NOT_DONE),
        (boto.ReadTimeoutError(endpoint_url=URL), IN_DOUBT),
        (boto.ConnectionClosedError(endpoint_url=URL), IN_DOUBT),
        (boto.HTTPClientError(error="broken"), IN_DOUBT),
        (boto.ResponseStreamingError(error="broken"), IN_DOUBT),
        (boto.IncompleteReadError(actual_bytes=1, expected_bytes=2), IN_DOUBT),
        (boto.FlexibleChecksumError(error_msg="differs"), IN_DOUBT),
        (ResponseParserError("no XML"), IN_DOUBT),
        (ProtocolError("broken"), IN_DOUBT),
        (ConnectionResetError("reset"), IN_DOUBT),
        (boto.SSLError(endpoint_url=URL, error="unknown"), REFUSED),
        (boto.NoCredentialsError(), REFUSED),
        (boto.PartialCredentialsError(provider="env", cred_var="secret"), REFUSED),
        (boto.CredentialRetrievalError(provider="role", error_msg="none"), REFUSED),
        (boto.ParamValidationError(report="wrong"), REFUSED),
    ],
)
def test_an_error_of_the_driver_is_told_from_others(error: Exception, outcome: Outcome) -> None:
    assert isinstance(error, FAILURES)
    failure = classify(error, "PutObject", "log/1")
    assert failure.outcome is outcome
    assert str(error).rstrip(".") in failure.sentence or "no answer of an S3" in failure.sentence


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (412, "PreconditionFailed", Outcome.PRECONDITION),
        (412, "412", Outcome.PRECONDITION),
        (404, "NoSuchKey", Outcome.ABSENT),
        (404, "404", Outcome.ABSENT),
        (409, "ConditionalRequestConflict", Outcome.CONTENDED),
        (409, "OperationAborted", Outcome.CONTENDED),
        *((status, str(status), IN_DOUBT) for status in (408, 425, 429, 500, 502, 503, 504, 599)),
        (400, "RequestTimeout", IN_DOUBT),
        (400, "BadDigest", IN_DOUBT),
        (400, "IncompleteBody", IN_DOUBT),
        (400, "XAmzContentSHA256Mismatch", IN_DOUBT),
        (403, "SlowDown", IN_DOUBT),
        (400, "InvalidRequest", REFUSED),
        (400, "ExpiredToken", REFUSED),
        (403, "AccessDenied", REFUSED),
        (403, "SignatureDoesNotMatch", REFUSED),
        (404, "NoSuchBucket", REFUSED),
        (501, "NotImplemented", REFUSED),
        (301, "PermanentRedirect", REFUSED),
        (0, "", REFUSED),
    ],
)
def test_an_answer_is_told_from_others(status: int, code: str, outcome: Outcome) -> None:
    answer = {
        "Error": {"Code": code, "Message": "as it is"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    assert classify(boto.ClientError(answer, "PutObject"), "PutObject", "log/1").outcome is outcome


def test_an_answer_without_any_code_is_refused_by_its_status() -> None:
    error = boto.ClientError({"ResponseMetadata": {"HTTPStatusCode": 418}}, "PutObject")
    failure = classify(error, "PutObject", "log/1")
    assert failure == (REFUSED, "PutObject of log/1: the server answers 418")


def test_an_error_of_anyone_else_is_a_defect() -> None:
    assert not isinstance(KeyError(), FAILURES)
    with pytest.raises(AssertionError, match="is not one of the driver's errors"):
        classify(KeyError("ETag"), "PutObject", "log/1")


@pytest.mark.parametrize(
    "error",
    [
        boto.HTTPClientError(error="Invalid header value b'secret123\\nx'"),
        boto.EndpointConnectionError(endpoint_url="http://x:secret123@127.0.0.1:1/logs"),
    ],
)
def test_no_credential_that_the_driver_quotes_is_told(error: Exception) -> None:
    assert "secret123" not in classify(error, "GetObject", "hint").sentence
