"""MinIO on one directory."""

from __future__ import annotations

from base64 import b64encode
from secrets import token_bytes
from typing import TYPE_CHECKING, ClassVar

from tests.servers.process import TOOLS, ServerProcess

if TYPE_CHECKING:
    from tests.servers.certificate import Certificate


class MinioServer(ServerProcess):
    """MinIO, with versioning and Object Lock for buckets that ask for them."""

    program: ClassVar = TOOLS / "minio"

    def __init__(self, certificate: Certificate | None = None) -> None:
        super().__init__(certificate)
        # Without one a request for server-side encryption is answered 501.
        self._encryption_key = b64encode(token_bytes(32)).decode()

    def command(self) -> list[str]:
        certificates = self.certificate.file.parent if self.certificate else self.directory / "none"
        return [
            "server",
            "--anonymous",
            f"--address={self.endpoint}",
            f"--certs-dir={certificates}",
            str(self.directory / "data"),
        ]

    def settings(self) -> dict[str, str]:
        return {
            "MINIO_ROOT_USER": self.access_key,
            "MINIO_ROOT_PASSWORD": self.secret_key,
            "MINIO_REGION": self.region,
            "MINIO_BROWSER": "off",
            "MINIO_KMS_SECRET_KEY": f"test:{self._encryption_key}",
        }
