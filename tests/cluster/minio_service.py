"""MinIO for a release, as the Service that its values name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import yaml

from tests.cluster.helm import CHART
from tests.cluster.outside import service
from tests.servers.certificate import Certificate
from tests.servers.minio import MinioServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.release import Release

PRODUCTION: Final = CHART / "values-production.yaml"
S3: Final[dict[str, Any]] = yaml.safe_load(PRODUCTION.read_text())["logSink"]["s3"]
"""What the values for production say of S3."""

USER: Final = "minioadmin"


@contextmanager
def minio_service(
    release: Release, endpoint: str, certificates: Path | None = None
) -> Iterator[MinioServer]:
    """Run MinIO with the credentials of the README's example.

    Args:
        release: Whose pods reach it, and whose terminal has its credentials.
        endpoint: The Service and its port, as `NAME.NAMESPACE.svc.cluster.local:PORT`.
        certificates: A directory for its certificate; without one it speaks plain HTTP.
    """
    host, _, port = endpoint.partition(":")
    name, namespace = host.split(".")[:2]
    server = MinioServer(
        None if certificates is None else Certificate.self_signed(certificates, host)
    )
    server.access_key = server.secret_key = USER
    release.need_namespace(namespace)
    release.terminal.environment |= {"AWS_ACCESS_KEY_ID": USER, "AWS_SECRET_ACCESS_KEY": USER}
    with server, service(release.kubectl, namespace, name, int(port), server.endpoint):
        yield server


@contextmanager
def production_s3(release: Release, certificates: Path) -> Iterator[MinioServer]:
    """Run MinIO with what has to be there before `values-production.yaml` is installed."""
    with minio_service(release, S3["endpoint"], certificates) as server:
        server.client().create_bucket(Bucket=S3["bucket"], ObjectLockEnabledForBucket=True)
        keys = [
            f"--from-literal={key}={USER}" for key in release.terminal.environment if "AWS" in key
        ]
        authorities = f"--from-file=ca.crt={server.ca_file}"
        release.done("create", "secret", "generic", S3["accessKeySecret"], *keys)
        release.done("create", "secret", "generic", S3["caSecret"], authorities)
        yield server


def url(server: MinioServer, prefix: str) -> str:
    """Return the URL by which a log of production is reached from outside, quoted for a shell."""
    where = f"endpoint={server.endpoint}&tls=true&caFile={server.ca_file}"
    return f"'s3://{S3['bucket']}/{prefix}?{where}'"
