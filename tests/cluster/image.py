"""Container images, made without a builder or a registry: archives as `docker save` writes them."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
READABLE = 0o555


class Image(NamedTuple):
    """An image of a few programs that need no files but themselves.

    Attributes:
        name: With its tag, as a pod asks for it.
        files: The program for each path in the image.
        entrypoint: What runs if a pod does not say so.
    """

    name: str
    files: Mapping[str, Path]
    entrypoint: Sequence[str]

    def write(self, archive: Path) -> None:
        """Write the archive; the same image gives the same bytes."""
        layer = _tar({path: file.read_bytes() for path, file in self.files.items()})
        config = json.dumps(
            {
                "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
                "os": "linux",
                "config": {"Entrypoint": list(self.entrypoint)},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(layer)}"]},
            }
        ).encode()
        named = {"Config": "config.json", "RepoTags": [self.name], "Layers": ["layer.tar"]}
        contents = {
            "config.json": config,
            "layer.tar": layer,
            "manifest.json": json.dumps([named]).encode(),
        }
        archive.write_bytes(_tar(contents))


def _tar(contents: Mapping[str, bytes]) -> bytes:
    """Make an archive of files that anybody may read and run, owned by root, of no time."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for path, content in contents.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(content), READABLE
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
