"""versitygw: S3 over a directory, an object a file."""

from __future__ import annotations

from typing import ClassVar

from tests.servers.process import TOOLS, ServerProcess


class VersitygwServer(ServerProcess):
    """versitygw over a directory of a file system with extended attributes."""

    program: ClassVar = TOOLS / "versitygw"

    def command(self) -> list[str]:
        tls = self.certificate
        return [
            f"--port={self.endpoint}",
            *([f"--cert={tls.file}", f"--key={tls.key_file}"] if tls else []),
            f"--region={self.region}",
            "--keep-alive",
            "--quiet",
            "posix",
            f"--versioning-dir={self._folder('versions')}",
            self._folder("data"),
        ]

    def settings(self) -> dict[str, str]:
        return {"ROOT_ACCESS_KEY": self.access_key, "ROOT_SECRET_KEY": self.secret_key}

    def _folder(self, name: str) -> str:
        folder = self.directory / name
        folder.mkdir(exist_ok=True)
        return str(folder)
