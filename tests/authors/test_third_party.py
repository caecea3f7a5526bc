"""A sink of somebody else's: installed, picked by name, used, and missed when it is gone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Rynxs = Callable[..., subprocess.CompletedProcess[str]]

SCRIPT = Path(sys.executable).with_name("rynxs")
PIP_INSTALL = ["-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "acme-sink"
version = "3.2.1"
dependencies = ["rynxs"]

[project.entry-points.rynxs]
"sink.acme" = "acme_sink"
"""
MODULE = '''
"""A sink that pickles everything into one file."""
import hashlib, os, pickle
from pydantic import Field
from rynxs.api import (
    ABSENT, ANY, ConfigModel, Record, Sink, SinkConflict, SinkPlugin, SinkUnavailable, StoredObject,
    hookimpl,
)

class Settings(ConfigModel):
    file: str = Field(min_length=1, description="Where everything is.")

class AcmeSink(Sink):
    def __init__(self, file):
        self.file = file
        self.records, self.objects = [], {}
        if os.path.exists(file):
            with open(file, "rb") as opened:
                records, self.objects = pickle.load(opened)
                self.records = [Record(*each) for each in records]

    def size(self):
        return len(self.records)

    def append(self, start, records):
        if start != len(self.records):
            raise SinkConflict("somebody else")
        self.records += records
        self._save()

    def read(self, start=0, stop=None):
        yield from self.records[start:stop]

    def erase(self, seqs):
        for seq in seqs:
            self.records[seq] = Record(self.records[seq].header, b"", None)
        self._save()

    def get(self, name):
        data = self.objects.get(name)
        return None if data is None else StoredObject(data, hashlib.sha256(data).hexdigest())

    def put(self, name, data, expect=ANY):
        current = self.get(name)
        wanted = None if expect is ABSENT else expect
        if expect is not ANY and wanted != (current.version if current else None):
            raise SinkConflict(name)
        self.objects[name] = data
        self._save()
        return self.get(name).version

    def delete(self, name):
        self.objects.pop(name, None)
        self._save()

    def list(self, prefix=""):
        return sorted(name for name in self.objects if name.startswith(prefix))

    def close(self):
        pass

    def _save(self):
        with open(self.file, "wb") as opened:
            pickle.dump(([tuple(each) for each in self.records], self.objects), opened)

def _reader(settings):
    if not os.path.exists(settings.file):
        raise SinkUnavailable(f"{settings.file}: no log is here")
    return AcmeSink(settings.file)

@hookimpl
def rynxs_sink():
    return SinkPlugin(
        name="acme",
        settings=Settings,
        parse_url=lambda rest: {"file": rest},
        open_writer=lambda settings, sources: AcmeSink(settings.file),
        open_reader=_reader,
    )
'''


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A directory into which pip has installed the package."""
    project = tmp_path / "acme"
    project.mkdir()
    (project / "pyproject.toml").write_text(PROJECT)
    (project / "acme_sink.py").write_text(MODULE)
    target = tmp_path / "site"
    subprocess.run(
        [sys.executable, *PIP_INSTALL, "--target", target, project],
        check=True,
        capture_output=True,
    )
    return target


@pytest.fixture
def rynxs(tmp_path: Path, site: Path) -> Rynxs:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SCRIPT, *map(str, arguments)],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(site)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_third_partys_sink_is_picked_by_name_and_works_without_a_change_to_the_kernel(
    rynxs: Rynxs, site: Path, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "rynxs.yaml").write_text("plugins: {sink: acme}\nsettings: {sink: {file: ./log}}\n")
    done = rynxs("run", repository / "examples", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "log").is_file()
    assert "nothing appended" in rynxs("run", repository / "examples").stdout
    for command in (("log", "verify"), ("replay", "--check"), ("log", "list")):
        assert rynxs(*command).returncode == 0
    assert rynxs("log", "verify", "--log", "acme:./log").returncode == 0
    listed = rynxs("plugins", "list").stdout
    assert "acme-sink" in listed
    assert "3.2.1" in listed
    wrong = rynxs("log", "verify", "--log", "acme:")
    assert wrong.returncode == 2
    assert "settings.sink.file" in wrong.stderr

    shutil.rmtree(site)
    gone = rynxs("log", "verify")
    assert gone.returncode == 2
    assert "sink 'acme' is not installed; installed are: file" in gone.stderr


def test_a_plugin_that_does_not_import_is_named_and_takes_nothing_else_down(
    rynxs: Rynxs, site: Path, repository: Path
) -> None:
    (site / "acme_sink.py").write_text("import not_there\n")
    listed = rynxs("plugins", "list")
    assert listed.returncode == 0
    assert "sink 'acme' of acme-sink 3.2.1 does not import" in listed.stdout.replace("\n", " ")
    assert rynxs("run", repository / "examples", "--log", "file:b").returncode == 0
    picked = rynxs("log", "list", "--log", "acme:x")
    assert picked.returncode == 2
    assert "acme-sink 3.2.1 does not import: ModuleNotFoundError" in picked.stderr
    assert "Traceback" not in picked.stderr
