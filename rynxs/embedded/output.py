"""Writing rendered manifests to a directory: one file each, whole, and none left behind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rynxs.documents import dump_documents, parse_documents
from rynxs.engine.plan import RETAIN_ANNOTATION
from rynxs.errors import ManifestError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rynxs.engine.plan import Manifest

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:-]{0,400}", re.ASCII)
_MARK = "# rendered by rynxs from log "


def write_manifests(
    directory: Path, origin: str, manifests: Iterable[Manifest], kept: Iterable[str] = ()
) -> list[Path]:
    """Write manifests and remove the files of those no longer asked for; return the new paths.

    Files are ``NAMESPACE/KIND-NAME.yaml``. Only files that carry this log's mark are removed, and
    none that is to be retained, nor of those whose ids are `kept`.

    Raises:
        OutputError: the directory can't be written, or holds what is not of this log.
    """
    mark = f"{_MARK}{origin}\n"
    try:
        written: dict[Path, Manifest] = {}
        for manifest in manifests:
            path = _path(directory, *_names(manifest))
            if path in written:
                raise OutputError(f"--out: {path} is asked for by two subjects, as {manifest.id}")
            if path.exists() and not path.read_bytes().startswith(mark.encode()):
                raise OutputError(f"--out: {path} is not of this log; it is not overwritten")
            written[path] = manifest
        for path, manifest in written.items():
            _write(path, mark + dump_documents([manifest.body]))
        staying = {*written, *(_path(directory, *_parts(identifier)) for identifier in kept)}
        for path in sorted(directory.glob("*/*.yaml")):
            if path not in staying and _is_stale(path, mark):
                path.unlink()
    except OSError as error:
        raise OutputError(f"--out: {error.filename or directory}: {error.strerror}") from None
    return list(written)


def _names(manifest: Manifest) -> tuple[str, str, str]:
    metadata = manifest.body["metadata"]
    return manifest.body["kind"], metadata.get("namespace") or "", metadata["name"]


def _parts(identifier: str) -> tuple[str, str, str]:
    """Return kind, namespace and name of the id of what lives in a namespace."""
    *_, kind, namespace, name = identifier.split("/")
    return kind, namespace, name


def _path(directory: Path, kind: str, namespace: str, name: str) -> Path:
    folder = namespace or "_cluster"
    file = f"{kind.lower()}-{name}.yaml"
    if not all(_SAFE.fullmatch(part) for part in (folder, file)):
        raise OutputError(f"--out: {folder!r} and {file!r} are no names for a folder and a file")
    return directory / folder / file


def _write(path: Path, text: str) -> None:
    data = text.encode()
    if path.exists() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)


def _is_stale(path: Path, mark: str) -> bool:
    data = path.read_bytes()
    if not data.startswith(mark.encode()):
        return False
    try:
        (document,) = parse_documents(data, str(path))
        annotations = document.value["metadata"].get("annotations") or {}
    except (ManifestError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return annotations.get(RETAIN_ANNOTATION) != "true"
