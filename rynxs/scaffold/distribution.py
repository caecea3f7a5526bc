"""Makes the files of a new plugin, and puts them into a folder, all of them or none."""

from __future__ import annotations

import re
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rynxs import __version__
from rynxs.errors import OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

    from rynxs.scaffold.names import Names

_SUFFIX = ".in"
_PLACE = re.compile(r"@@(\w+)@@")
_GROUP = "example.org"
_SUMMARIES = {
    "sink": "a log in a directory, one file a batch",
    "reducer": "a kind of its own",
    "renderer": "a ConfigMap for every object of a kind",
    "signer": "Ed448 signed notes",
}
_DEPENDENCIES = {"signer": ["cryptography>=44"]}


def render(names: Names) -> dict[str, str]:
    """Return the text of every file of a new distribution by its path, sorted."""
    values = _values(names)
    templates = files("rynxs.scaffold") / "templates"
    found: dict[str, str] = {}
    for folder in ("common", names.family):
        for path, template in _templates(templates / folder):
            text = template.read_text(encoding="utf-8")
            found[path.replace("package/", f"{names.package}/", 1)] = _PLACE.sub(
                lambda place: values[place[1]], text
            )
    return dict(sorted(found.items()))


def write(texts: Mapping[str, str], folder: Path) -> None:
    """Write files into a folder that is not there or empty; on failure nothing stays behind.

    Raises:
        UsageError: the folder is in use, or can't be made where it is named.
        OutputError: the files can't be written.
    """
    _check_free(folder)
    made: list[Path] = []
    try:
        with TemporaryDirectory(prefix=".rynxs-new-", dir=folder.parent) as staged:
            for path, text in texts.items():
                file = Path(staged, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            if not folder.exists():
                folder.mkdir()
                made.append(folder)
            for entry in sorted(Path(staged).iterdir()):
                entry.rename(folder / entry.name)
                made.append(folder / entry.name)
    except OSError as error:
        _remove(made)
        raise OutputError(f"{error.filename or folder}: {error.strerror or error}") from None


def _check_free(folder: Path) -> None:
    try:
        if not folder.parent.is_dir():
            raise UsageError(f"{folder}: {folder.parent} is not a directory")
        if folder.is_dir() and not any(folder.iterdir()):
            return
        if folder.exists() or folder.is_symlink():
            what = "not empty" if folder.is_dir() else "not a directory"
            raise UsageError(f"{folder}: is there already, and {what}; name another folder")
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from None


def _remove(made: list[Path]) -> None:
    """Remove what was moved into the folder, and the folder if it was made."""
    for path in reversed(made):
        with suppress(OSError):
            for file in sorted(path.rglob("*"), reverse=True):
                file.rmdir() if file.is_dir() else file.unlink()
            path.rmdir() if path.is_dir() else path.unlink()


def _templates(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    """Yield path and template of every file of a folder, the suffix taken off the path."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _templates(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            yield prefix + entry.name.removesuffix(_SUFFIX), entry


def _values(names: Names) -> dict[str, str]:
    """Return what each placeholder stands for."""
    dependencies = [*_DEPENDENCIES.get(names.family, []), "pydantic>=2.11,<3", _this_kernel()]
    return {
        "Class": names.kind,
        "CONSTANT": "_".join(names.words).upper(),
        "Kind": names.kind,
        "dependencies": "\n".join(f'  "{each}",' for each in sorted({*dependencies})),
        "distribution": names.distribution,
        "family": names.family,
        "group": _GROUP,
        "label": names.label[:19].rstrip("-"),
        "name": names.name,
        "package": names.package,
        "plural": f"{''.join(names.words)}s",
        "summary": _SUMMARIES[names.family],
    }


def _this_kernel() -> str:
    """Return the requirement of this rynxs: `rynxs.api` may change with the minor version."""
    major, minor, *_ = __version__.split(".")
    return f"rynxs>={major}.{minor},<{major}.{int(minor) + 1}"
