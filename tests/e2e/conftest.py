"""The real servers: one of each for a worker, and new ones for the tests that kill them."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.cluster.control_plane import control_plane
from tests.cluster.node_prerequisites import missing_for_node
from tests.cluster.operated import establish_crds
from tests.cluster.real_cluster import real_cluster
from tests.images.build import built
from tests.servers.failing import logs_kept, told_plainly
from tests.servers.minio import MinioServer
from tests.servers.versitygw import VersitygwServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.control_plane import Cluster
    from tests.cluster.real_cluster import RealCluster
    from tests.images.build import Built
    from tests.servers.process import ServerProcess

KINDS: dict[str, Callable[..., ServerProcess]] = {
    "minio": MinioServer,
    "versitygw": VersitygwServer,
}


@contextmanager
def _running(server: ServerProcess) -> Iterator[ServerProcess]:
    try:
        with told_plainly():
            server.start()
            yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def minio() -> Iterator[ServerProcess]:
    with _running(MinioServer()) as server:
        yield server


@pytest.fixture(scope="session")
def versitygw() -> Iterator[ServerProcess]:
    with _running(VersitygwServer()) as server:
        yield server


@pytest.fixture(params=KINDS)
def s3_server(request: pytest.FixtureRequest) -> ServerProcess:
    """Each real server in turn, shared by the worker's tests: leave it running."""
    server: ServerProcess = request.getfixturevalue(request.param)
    return server


@pytest.fixture(params=KINDS)
def mortal_s3_server(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    """Each real server in turn, this test's own, to be killed and restarted."""
    with _running(KINDS[request.param]()) as server:
        yield server


@pytest.fixture
def client(s3_server: ServerProcess) -> Iterator[Any]:
    """A boto3 client of the shared server."""
    with closing(s3_server.client()) as made:
        yield made


@pytest.fixture
def bucket(client: Any) -> str:
    """A new bucket on the shared server."""
    name = f"test-{uuid4().hex}"
    client.create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A Kubernetes control plane, shared by the worker's tests: use a namespace of your own."""
    with told_plainly(), control_plane() as running:
        yield running


@pytest.fixture(scope="session")
def operated() -> Iterator[Cluster]:
    """A control plane of a worker's own, with our kinds and an audit log, for operators."""
    with told_plainly(), control_plane(audit=True) as running:
        establish_crds(running.kubectl)
        yield running


@pytest.fixture(scope="session")
def images() -> Iterator[Built]:
    """The product's images, built once."""
    if missing := missing_for_node():
        pytest.skip(missing)
    with told_plainly(), built() as made:
        yield made


@pytest.fixture(scope="module")
def real(images: Built, request: pytest.FixtureRequest) -> Iterator[RealCluster]:
    """A cluster with a real node that has the product's images, for the tests of a module."""
    with (
        told_plainly(),
        real_cluster(images) as running,
        logs_kept(request.session, "node", running.node.keep_logs),
    ):
        yield running
