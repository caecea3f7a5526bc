"""What a user can get wrong: exit status 3 and one sentence that names the log and a way out."""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import faults
from tests.servers.certificate import Certificate
from tests.servers.endpoint import LOOPBACK
from tests.servers.inprocess import Handler, InProcessServer, TrackingServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import S3Log
    from tests.servers.proxy import FaultyProxy

    Refused = Callable[..., None]

EXAMPLES = Path(__file__).parents[3] / "examples"
FOREVER = 10_000
IN_ENVIRONMENT = (
    "they come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from the configured"
)


@pytest.fixture
def refused(cli: Callable[..., Any]) -> Refused:
    """Demand that reading and writing a log is refused with one sentence."""

    def check(url: str, *told: str) -> None:
        for command in (("log", "verify"), ("run", EXAMPLES)):
            done = cli(*command, "--log", url)
            assert (done.status, done.out) == (3, "")
            assert done.err.startswith(f"error: {url.partition('?')[0]}")
            assert done.err.count("\n") == 1
            for part in told:
                assert part in done.err

    return check


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (403, "InvalidAccessKeyId", IN_ENVIRONMENT),
        (403, "SignatureDoesNotMatch", IN_ENVIRONMENT),
        (400, "InvalidToken", "they come from AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN"),
        (400, "ExpiredToken", "the credentials have expired; renew them and try again"),
        (403, "AccessDenied", "GetObject of hint is not allowed; grant it to these credentials"),
        (404, "NoSuchBucket", "the bucket does not exist; make it first"),
        (403, "RequestTimeTooSkewed", "the clock of this machine differs too much"),
        (400, "AuthorizationHeaderMalformed", "in another region; set region (as the test"),
        (501, "NotImplemented", "the server does not know GetObject as it is needed"),
        (400, "InvalidRequest", "the server answers InvalidRequest, as the test planned"),
        (500, "InternalError", "the server answers InternalError"),
        (503, "SlowDown", "the server answers SlowDown"),
    ],
)
def test_what_the_server_refuses_is_told(
    status: int, code: str, told: str, far_log: S3Log, proxy: FaultyProxy, refused: Refused
) -> None:
    far_log.fill([1])
    proxy.plan(faults.answer(status, code), times=FOREVER)
    refused(far_log.url(), told)


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "AccessDenied", "ExpiredToken"])
def test_what_trying_again_would_not_help_is_sent_once(
    code: str, far_log: S3Log, proxy: FaultyProxy, refused: Refused
) -> None:
    proxy.plan(faults.answer(403, code), times=FOREVER)
    refused(far_log.url(attempts=5))
    assert len(proxy.requests) == 2


def test_a_permission_to_write_that_is_missing_is_told(
    far_log: S3Log, proxy: FaultyProxy, cli: Callable[..., Any]
) -> None:
    far_log.fill([1])
    proxy.plan(faults.answer(403, "AccessDenied"), lambda method, _: method == "PUT", FOREVER)
    assert cli("log", "verify", "--log", far_log.url()).status == 0
    done = cli("run", EXAMPLES, "--log", far_log.url())
    assert done.status == 3
    assert "PutObject of probe/" in done.err
    assert "is not allowed; grant it to these credentials" in done.err


def test_a_bucket_that_is_not_there_is_told(s3_log: S3Log, refused: Refused) -> None:
    refused(s3_log.url().replace("//logs/", "//other/"), "the bucket does not exist")


def test_a_log_that_is_not_there_is_told_and_not_made(
    s3_log: S3Log, cli: Callable[..., Any]
) -> None:
    done = cli("log", "verify", "--log", s3_log.url())
    assert done.status == 3
    assert f"{s3_log.prefix} at http://" in done.err
    assert "no log is here" in done.err
    assert s3_log.stored() == []


@pytest.mark.parametrize(
    "missing",
    [("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), ("AWS_SECRET_ACCESS_KEY",)],
)
def test_missing_credentials_are_told(
    missing: tuple[str, ...],
    s3_log: S3Log,
    refused: Refused,
    credentials: pytest.MonkeyPatch,
) -> None:
    for name in missing:
        credentials.delenv(name)
    refused(s3_log.url(), "credentials", "AWS_SECRET_ACCESS_KEY")


def test_a_profile_that_is_not_there_is_told(s3_log: S3Log, refused: Refused) -> None:
    refused(s3_log.url(profile="audit"), "profile (audit) could not be found")


def test_a_server_that_is_not_there_is_told(s3_log: S3Log, refused: Refused) -> None:
    with socket.socket() as reserved:
        reserved.bind((LOOPBACK, 0))
        port = reserved.getsockname()[1]
        refused(
            s3_log.url(endpoint=f"{LOOPBACK}:{port}"),
            f'Could not connect to the endpoint URL: "http://{LOOPBACK}:{port}',
            "check endpoint, and whether the server runs",
        )


def test_a_server_that_does_not_answer_is_told(s3_log: S3Log, refused: Refused) -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        url = s3_log.url(endpoint=f"{LOOPBACK}:{silent.getsockname()[1]}", readTimeoutMs=50)
        refused(url, "GetObject of hint: Read timeout", "try again, or raise readTimeoutMs")


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, b"<html><body>Welcome</body></html>", "no answer of an S3 server"),
        (200, b"Welcome", "no answer of an S3 server"),
        (200, b"", "no answer of an S3 server"),
        (404, b"not found", "the server can't list; is it an S3 server?"),
        (502, b"<html><br>", "the server answers 502, Bad Gateway"),
    ],
)
def test_a_server_of_something_else_is_told(
    status: int, body: bytes, told: str, s3_log: S3Log, refused: Refused
) -> None:
    class Page(Handler):
        def answer(self) -> None:
            self.body()
            self.reply(status, [("Content-Length", str(len(body)))], body)

    server = TrackingServer((LOOPBACK, 0), Page)
    with InProcessServer(server):
        refused(s3_log.url(endpoint=f"{LOOPBACK}:{server.server_port}"), told)


@contextmanager
def _tls_server(certificate: Certificate) -> Iterator[str]:
    """Yield the address of a server that shakes hands, and then hangs up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key_file)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as shaken:
                    shaken.recv(1)
            except OSError:
                connection.close()

    with socket.create_server((LOOPBACK, 0)) as listener:
        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"{LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_tls_to_a_plain_port_is_told(s3_log: S3Log, refused: Refused) -> None:
    refused(s3_log.url(tls="true"), "TLS fails: ", "check endpoint, tls and caFile")


def test_no_tls_to_a_tls_port_is_told(s3_log: S3Log, refused: Refused, tmp_path: Path) -> None:
    with _tls_server(Certificate.self_signed(tmp_path / "tls")) as endpoint:
        refused(s3_log.url(endpoint=endpoint), "set tls if the server wants it")


def test_a_certificate_of_an_unknown_authority_is_told(
    s3_log: S3Log, refused: Refused, tmp_path: Path
) -> None:
    other = Certificate.self_signed(tmp_path / "other")
    with _tls_server(Certificate.self_signed(tmp_path / "tls")) as endpoint:
        for trusted in ({}, {"caFile": other.file}):
            url = s3_log.url(endpoint=endpoint, tls="true", **trusted)
            refused(url, "certificate verify failed", "check endpoint, tls and caFile")


def test_a_file_of_authorities_that_can_not_be_used_is_told(
    s3_log: S3Log, refused: Refused, tmp_path: Path
) -> None:
    (tmp_path / "empty.crt").write_text("none")
    refused(s3_log.url(tls="true", caFile="missing.crt"), "caFile missing.crt is not a file")
    refused(s3_log.url(tls="true", caFile=tmp_path), f"caFile {tmp_path} is not a file")
    url = s3_log.url(tls="true", caFile=tmp_path / "empty.crt")
    refused(url, "no certificate or crl found", "check endpoint, tls and caFile")


def test_another_writers_batch_is_told_as_a_conflict(
    far_log: S3Log, proxy: FaultyProxy, cli: Callable[..., Any]
) -> None:
    def overtaken(exchange: faults.Exchange) -> faults.Reply:
        far_log.put("log/00000000000000000000", b"another's")
        reply = exchange.forward()
        assert reply.status == HTTPStatus.PRECONDITION_FAILED
        return reply

    proxy.plan(overtaken, lambda method, path: method == "PUT" and "/log/" in path)
    done = cli("run", EXAMPLES, "--log", far_log.url())
    assert done.status == 3
    assert "log/00000000000000000000 belongs to another writer" in done.err
