"""A PUT that arrives when nobody waits for it any more: one history, whoever comes first."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import SinkConflict, SinkUnavailable
from rynxs.testing.histories import history
from tests.servers.faults import Dropped

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import S3Log
    from tests.servers.faults import Exchange, Reply
    from tests.servers.moto import MotoServer
    from tests.servers.proxy import FaultyProxy


class Held:
    """A request whose client has lost the connection, and which the proxy holds until it is let go.

    No time limit of the client is needed for it, which a busy machine could pass elsewhere.
    """

    def __init__(self) -> None:
        self._exchange: Exchange | None = None
        self._status: int | None = None

    def fault(self, exchange: Exchange) -> Reply:
        self._exchange = exchange
        raise Dropped

    def arrive(self) -> int:
        """Send it to the server, if that was not done yet, and return the answer's status."""
        if self._status is None:
            assert self._exchange is not None
            self._status = self._exchange.forward().status
        return self._status


@pytest.fixture
def held(proxy: FaultyProxy) -> Held:
    """The first PUT of a batch through the proxy is held."""
    request = Held()
    proxy.plan(request.fault, lambda method, path: method == "PUT" and "/log/" in path)
    return request


@pytest.fixture
def near_log(moto: MotoServer, far_log: S3Log, new_log: Callable[[str], S3Log]) -> S3Log:
    """The log of `far_log`, reached without the proxy."""
    log = new_log(moto.endpoint)
    log.prefix = log.settings["prefix"] = far_log.prefix
    return log


@pytest.fixture
def impatient(near_log: S3Log, far_log: S3Log, held: Held) -> Any:
    """A writer whose batch of the records 2 and 3 is held, and which has given up."""
    near_log.fill([2])
    writer = far_log.writer(attempts=1)
    with pytest.raises(SinkUnavailable):
        writer.append(2, history(4)[2:])
    return writer


def test_a_late_write_loses_against_one_that_came_before_it(
    impatient: Any, near_log: S3Log, held: Held
) -> None:
    rival = near_log.writer()
    rival.append(2, history(3)[2:])
    rival.append(3, history(5)[3:])
    assert held.arrive() == HTTPStatus.PRECONDITION_FAILED
    rival.append(5, history(6)[5:])
    for records in (history(4), history(4), history(4, "another")):
        with pytest.raises(SinkConflict):
            impatient.append(2, records[2:])
    assert near_log.verified() == list(history(6))
    assert near_log.writer().size() == 6


def test_a_late_write_that_comes_first_fences_the_other_writer(
    impatient: Any, near_log: S3Log, held: Held
) -> None:
    rival = near_log.writer()
    assert rival.size() == 2
    assert held.arrive() == HTTPStatus.OK
    for _ in range(2):
        with pytest.raises(SinkConflict):
            rival.append(2, history(3)[2:])
    impatient.append(2, history(4)[2:])
    impatient.append(4, history(5)[4:])
    assert near_log.verified() == list(history(5))


def test_equal_records_of_another_writer_do_not_make_a_late_write_ones_own(
    impatient: Any, near_log: S3Log, held: Held
) -> None:
    near_log.writer().append(2, history(4)[2:])
    assert held.arrive() == HTTPStatus.PRECONDITION_FAILED
    with pytest.raises(SinkConflict):
        impatient.append(2, history(4)[2:])
    assert near_log.verified() == list(history(4))


@pytest.mark.parametrize("is_first", [True, False])
def test_a_writer_that_opens_the_log_anew_after_giving_up_has_one_history(
    is_first: bool, impatient: Any, near_log: S3Log, held: Held
) -> None:
    impatient.close()
    if is_first:
        assert held.arrive() == HTTPStatus.OK
    again = near_log.writer()
    assert again.size() == (4 if is_first else 2)
    again.append(again.size(), history(7)[again.size() :])
    assert held.arrive() == (HTTPStatus.OK if is_first else HTTPStatus.PRECONDITION_FAILED)
    assert near_log.verified() == list(history(7))


def test_a_write_that_is_sent_again_and_arrives_late_too_is_there_once(
    near_log: S3Log, far_log: S3Log, held: Held
) -> None:
    writer = far_log.writer()
    writer.append(0, history(2))
    writer.append(2, history(5)[2:])
    assert held.arrive() == HTTPStatus.PRECONDITION_FAILED
    writer.append(5, history(6)[5:])
    assert near_log.verified() == list(history(6))
