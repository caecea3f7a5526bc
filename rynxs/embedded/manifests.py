"""Reading the manifests that `rynxs run` observes: every problem found, and where."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.documents import FILE_SIZE_MAX, Document, parse_documents, read_documents
from rynxs.engine.observation import problems, subject_of
from rynxs.engine.resource import DNS_SUBDOMAIN
from rynxs.errors import ManifestError
from rynxs.problems import Problem, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.engine.composition import Composition
    from rynxs.engine.resource import Resource

STANDARD_INPUT = "-"
_SUFFIXES = (".yaml", ".yml", ".json")
_FIELDS = ("apiVersion", "kind", "metadata", "spec", "status")
_NAME = re.compile(DNS_SUBDOMAIN, re.ASCII)
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_NAMESPACE_RULE = "lower-case letters, digits and '-', at most 63"
_UID = re.compile(r"[A-Za-z0-9-]{1,128}")
_UID_RULE = "letters, digits and '-', at most 128; an API server gives it, a file needs none"
_PROBLEMS_SHOWN_MAX = 50


class Found(NamedTuple):
    """A manifest of a kind that a selected reducer owns, and where it stands."""

    resource: Resource
    manifest: dict[str, Any]
    place: str


class Reading(NamedTuple):
    """What was found in the files; `unowned` are sentences about kinds that nobody owns."""

    found: list[Found]
    unowned: list[str]


def read_manifests(
    paths: Sequence[str], composition: Composition, namespace: str, out: Path | None = None
) -> Reading:
    """Return the manifests of files and directories, in the order of the paths and names.

    Args:
        paths: files, directories (searched in depth for .yaml, .yml and .json), or ``-``.
        composition: says which kinds are owned.
        namespace: for namespaced objects that name none.
        out: where manifests are written; in a directory that is searched it is left out.

    Raises:
        ManifestError: something can't be read or is not valid; the text lists all of it.
    """
    if not _NAMESPACE.fullmatch(namespace):
        raise ManifestError(f"--namespace {namespace!r}: {_NAMESPACE_RULE}")
    reader = _Reader(composition, namespace)
    for document in _documents(paths, out):
        for manifest in _unpacked(document.value):
            reader.take(manifest, document.place)
    if reader.refused:
        shown = reader.refused[:_PROBLEMS_SHOWN_MAX]
        more = len(reader.refused) - len(shown)
        raise ManifestError("\n".join([*shown, *([f"and {more} more problems"] if more else [])]))
    return Reading(list(reader.found.values()), reader.unowned)


class _Reader:
    """Sorts manifests into found, unowned and refused."""

    def __init__(self, composition: Composition, namespace: str) -> None:
        self._composition = composition
        self._namespace = namespace
        self.found: dict[str, Found] = {}
        self.unowned: list[str] = []
        self.refused: list[str] = []

    def take(self, manifest: Any, place: str) -> None:
        """Take in what a document holds."""
        shape = _shape_problems(manifest)
        if shape:
            self.refused += [f"{place}: {problem}" for problem in shape]
            return
        resource = _resource(manifest, self._composition)
        if resource is None:
            self.unowned.append(_not_owned(manifest, place, self._composition))
        elif manifest["apiVersion"] not in resource.api_versions:
            allowed = ", ".join(resource.api_versions)
            self.refused.append(
                f"{place}: apiVersion: found {manifest['apiVersion']!r}; "
                f"allowed for {resource.kind} is {allowed}"
            )
        else:
            self._take_owned(resource, _scoped(manifest, resource, self._namespace), place)

    def _take_owned(self, resource: Resource, manifest: dict[str, Any], place: str) -> None:
        title = f"{resource.kind} {manifest['metadata']['name']}"
        wrong = [*_unknown_fields(manifest), *problems(resource, manifest)]
        self.refused += [f"{place}: {title}: {problem}" for problem in wrong]
        subject = str(subject_of(resource, manifest))
        if subject in self.found:
            earlier = self.found[subject].place
            self.refused.append(f"{place}: {subject} stands here and at {earlier}")
        self.found[subject] = Found(resource, manifest, place)


def _documents(paths: Sequence[str], out: Path | None) -> Iterator[Document]:
    for text in paths:
        if text == STANDARD_INPUT:
            data = sys.stdin.buffer.read(FILE_SIZE_MAX + 1)
            yield from parse_documents(data, "standard input")
            continue
        path = Path(text)
        if not path.is_dir():
            yield from read_documents(path)
            continue
        files = sorted(_manifest_files(path, out))
        if not files:
            raise ManifestError(f"{path}: no file ending in {', '.join(_SUFFIXES)} in it")
        for file in files:
            yield from read_documents(file)


def _manifest_files(directory: Path, out: Path | None) -> Iterator[Path]:
    """Yield the manifest files below a directory; nothing hidden, no linked directory."""
    left_out = None if out is None else out.resolve()
    for folder, folders, files in os.walk(directory, onerror=_raise):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and Path(folder, name).resolve() != left_out
        ]
        for name in files:
            file = Path(folder, name)
            if file.suffix in _SUFFIXES and not name.startswith(".") and file.is_file():
                yield file


def _raise(error: OSError) -> None:
    """A folder that can't be read must not pass for an empty one."""
    raise ManifestError(f"{error.filename}: {error.strerror}")


def _unpacked(value: Any) -> list[Any]:
    """Return the items of a ``v1 List``, or the one manifest."""
    if isinstance(value, dict) and value.get("kind") == "List" and value.get("apiVersion") == "v1":
        items = value.get("items")
        return items if isinstance(items, list) else [value]
    return [value]


def _shape_problems(manifest: Any) -> list[Problem]:
    """Return what keeps a value from being a Kubernetes object."""
    if not isinstance(manifest, dict):
        return [Problem(".", f"found {type(manifest).__name__}; a manifest is a map")]
    found = [
        Problem(field, "required, a string")
        for field in ("apiVersion", "kind")
        if not isinstance(manifest.get(field), str) or not manifest[field]
    ]
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict):
        return [*found, Problem("metadata", "required, a map with at least a name")]
    found += _name_problems(metadata)
    uid = metadata.get("uid")
    if uid is not None and not (isinstance(uid, str) and _UID.fullmatch(uid)):
        found.append(Problem("metadata.uid", _UID_RULE, repr(uid)[:80]))
    for field in ("labels", "annotations"):
        pairs = metadata.get(field)
        if pairs is not None and not _is_text_map(pairs):
            found.append(
                Problem(f"metadata.{field}", "a map of strings; quote numbers and booleans")
            )
    return found


def _name_problems(metadata: dict[str, Any]) -> list[Problem]:
    found = []
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        rule = "required: lower-case letters, digits, '-', and '.' between labels, at most 253"
        found.append(Problem("metadata.name", rule, repr(name)[:80]))
    if namespace is not None and not (
        isinstance(namespace, str) and _NAMESPACE.fullmatch(namespace)
    ):
        found.append(Problem("metadata.namespace", _NAMESPACE_RULE, repr(namespace)[:80]))
    return found


def _is_text_map(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(key, str) and isinstance(member, str) for key, member in value.items()
    )


def _resource(manifest: dict[str, Any], composition: Composition) -> Resource | None:
    group = manifest["apiVersion"].rpartition("/")[0]
    return composition.resource(f"{group}/{manifest['kind']}")


def _not_owned(manifest: dict[str, Any], place: str, composition: Composition) -> str:
    kinds = {f"{r.kind} ({r.api_versions[-1]})" for r in composition.resources()}
    title = f"{manifest['kind']} ({manifest['apiVersion']})"
    return (
        f"{place}: no selected reducer owns {title} {manifest['metadata']['name']!r}; "
        f"owned are: {', '.join(sorted(kinds)) or 'none'}{nearest(title, kinds)}"
    )


def _scoped(manifest: dict[str, Any], resource: Resource, namespace: str) -> dict[str, Any]:
    """Return the manifest with the namespace that its kind's scope asks for."""
    metadata = dict(manifest["metadata"])
    if resource.scope == "Namespaced":
        metadata["namespace"] = metadata.get("namespace") or namespace
    else:
        metadata.pop("namespace", None)
    return {**manifest, "metadata": metadata}


def _unknown_fields(manifest: dict[str, Any]) -> list[Problem]:
    """Return the fields beside those of a Kubernetes object with a spec."""
    allowed = f"unknown field, allowed are {', '.join(_FIELDS)}"
    return [
        Problem(str(field), f"{allowed}{nearest(str(field), _FIELDS)}")
        for field in manifest
        if field not in _FIELDS
    ]
