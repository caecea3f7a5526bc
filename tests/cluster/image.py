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
READABLE, RUNNABLE = 0o444, 0o555


class Image(NamedTuple):
    """An image of some files, which anybody may read.

    Attributes:
        name: With its tag, as a pod asks for it.
        files: The file for each path in the image; a directory is taken whole.
        entrypoint: What runs if a pod does not say so.
        command: Its arguments if a pod does not say so.
        environment: Of what runs.
        user: As whom it runs, as `UID:GID`; as root if empty.
    """

    name: str
    files: Mapping[str, Path]
    entrypoint: Sequence[str]
    command: Sequence[str] = ()
    environment: Mapping[str, str] = {}
    user: str = ""

    def write(self, archive: Path) -> None:
        """Write the archive; the same image gives the same bytes."""
        layer = archive.with_name("layer.tar")
        self._write_layer(layer)
        with layer.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        config = json.dumps(
            {
                "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
                "os": "linux",
                "config": {
                    "Entrypoint": list(self.entrypoint),
                    "Cmd": list(self.command),
                    "Env": [f"{key}={value}" for key, value in self.environment.items()],
                    "User": self.user,
                },
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
            }
        ).encode()
        named = {"Config": "config.json", "RepoTags": [self.name], "Layers": [layer.name]}
        described = {"config.json": config, "manifest.json": json.dumps([named]).encode()}
        with tarfile.open(archive, mode="w") as written:
            for name, content in described.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), READABLE
                written.addfile(member, io.BytesIO(content))
            written.add(layer, layer.name, filter=_of_nobody)
        layer.unlink()

    def _write_layer(self, layer: Path) -> None:
        with tarfile.open(layer, mode="w") as written:
            for path, file in sorted(self.files.items()):
                each = file.resolve() if file.is_file() else file
                written.add(each, path.lstrip("/"), filter=_of_nobody)


def _of_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Make a member root's, of no time, and readable by anybody; programs can be run by anybody."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    member.mode = RUNNABLE if member.isdir() or member.mode & 0o100 else READABLE
    return member
