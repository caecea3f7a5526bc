"""Who asked for it: the user that the API server vouches for, or the last manager of the spec."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.cluster.admission import webhook_configuration
from tests.cluster.apiserver import ADMINISTRATOR
from tests.cluster.operated import Operated
from tests.servers.certificate import Certificate
from tests.servers.endpoint import LOOPBACK
from tests.servers.port import ReservedPort

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from tests.cluster.control_plane import Cluster
    from tests.cluster.invariants import Event


@pytest.fixture
def place(operated: Cluster, tmp_path: Path) -> Operated:
    return Operated(operated, tmp_path)


@pytest.fixture
def webhook(place: Operated, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The settings of a webhook that the API server asks about this namespace."""
    certificate, port = Certificate.self_signed(tmp_path / "tls"), ReservedPort()
    place.apply(webhook_configuration(place.namespace, port.number, certificate))
    files = {"certificate": str(certificate.file), "key": str(certificate.key_file)}
    try:
        yield {"host": LOOPBACK, "port": port.number, **files}
    finally:
        place.kubectl.run("delete", "validatingwebhookconfiguration", place.namespace)
        port.close()


def test_the_log_names_the_user_that_the_api_server_has_authenticated(
    place: Operated, webhook: dict[str, Any]
) -> None:
    with place.replica("a", webhook=webhook) as replica:
        replica.until_leading()
        replica.until("its webhook listens", lambda: _listens(webhook["port"]))
        place.apply(place.agent("worker"))
        replica.until("it is applied", place.applied("worker"))
        place.delete("agent/worker")
        replica.until("it is gone", lambda: not place.is_anything_left())
        assert replica.terminate() == 0
    observed, deleted = _actors(place.checked(), "AgentObserved", "AgentDeleted")
    for actor in (observed, deleted):
        assert actor["name"] == ADMINISTRATOR
        assert actor["authenticated"] is True
        assert "system:masters" in actor["groups"]
        assert actor["request"]
    assert observed["request"] != deleted["request"]


def test_without_a_webhook_the_log_names_the_manager_of_the_spec_and_vouches_for_nobody(
    place: Operated,
) -> None:
    with place.replica("a") as replica:
        replica.until_leading()
        place.apply(place.agent("worker"))
        replica.until("it is applied", place.applied("worker"))
        assert replica.terminate() == 0
    (actor,) = _actors(place.checked(), "AgentObserved")
    assert actor == {"authenticated": False, "name": "kubectl"}


def _actors(events: list[Event], *kinds: str) -> list[Mapping[str, Any]]:
    """Return the actors of the first event of each kind."""
    return [
        next(event.payload["actor"] for event in events if event.kind == kind) for kind in kinds
    ]


def _listens(port: int) -> bool:
    with closing(socket.socket()) as client:
        return client.connect_ex((LOOPBACK, port)) == 0
