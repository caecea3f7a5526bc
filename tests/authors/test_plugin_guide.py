"""docs/PLUGINS.md shows what is there, and what it tells to do works as it is written."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from rynxs import api, extension
from rynxs.eventlog.sink import Sink
from rynxs.scaffold.distribution import render
from rynxs.scaffold.names import check_name

BINARIES = Path(sys.executable).parent
REPOSITORY = Path(__file__).parents[2]
GUIDE = (REPOSITORY / "docs" / "PLUGINS.md").read_text()
PIP_INSTALL = f"{shlex.quote(sys.executable)} -m pip install --quiet --no-index --no-deps "
PIP_INSTALL += "--no-build-isolation --target site "
SHOWN = {
    "sink": ("demo", ["plugin.py", "tests/test_conformance.py"]),
    "reducer": ("widget", ["model.py", "reducer.py"]),
    "renderer": ("widget", ["renderer.py"]),
}


class Fence(NamedTuple):
    language: str
    text: str


FENCES = [
    Fence(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
]


def fences(language: str) -> list[str]:
    return [fence.text for fence in FENCES if fence.language == language]


def test_the_code_that_is_shown_is_what_plugins_new_writes() -> None:
    written = []
    for family, (name, files) in SHOWN.items():
        names = check_name(family, name)
        texts = render(names)
        written += [texts[file if file in texts else f"{names.package}/{file}"] for file in files]
    *shown, methods = fences("python")
    assert shown == written
    assert methods.startswith("grouping: Grouping\ndef size(self)")


def test_the_commands_run_as_they_are_written(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "examples", tmp_path / "examples")
    ran = []
    for language, text in FENCES:
        if language == "yaml":
            file = text.partition("\n")[0].removeprefix("# ")
            (tmp_path / file).write_text(text)
        for line in text.splitlines() if language == "console" else ():
            ran.append(line)
            done = subprocess.run(
                as_run_here(line),
                shell=True,
                cwd=tmp_path,
                env={
                    "PATH": os.pathsep.join([str(BINARIES), "/usr/bin", "/bin"]),
                    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                    "PYTHONPATH": str(tmp_path / "site"),
                },
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    assert len(ran) > 20
    assert (tmp_path / "demo-log" / "batches").is_dir()
    assert (tmp_path / "signing.key.pub").is_file()


def as_run_here(line: str) -> str:
    """Return a command of the guide, installing where no index is asked."""
    if line.startswith("pip install --editable "):
        wanted = line.removeprefix("pip install --editable ").replace("[test]", "")
        return PIP_INSTALL + wanted
    if line.startswith("pytest "):  # tests of `plugins new` run them
        return f"{line} --collect-only --quiet"
    return line.replace("check sink.demo", "check --help")  # tests of `plugins check` run that


@pytest.mark.parametrize("name", api.__all__)
def test_every_public_name_is_explained(name: str) -> None:
    assert re.search(rf"`[^`]*\b{name}\b[^`]*`", GUIDE)


@pytest.mark.parametrize(
    "declaration",
    [
        extension.SinkPlugin,
        extension.ReducerPlugin,
        extension.RendererPlugin,
        extension.SignerPlugin,
    ],
    ids=lambda declaration: declaration.__name__,
)
def test_every_member_of_a_declaration_is_in_its_table(declaration: type) -> None:
    table = GUIDE.partition(f"| `{declaration.__name__}` | |\n")[2].partition("\n\n")[0]
    listed = re.findall(r"^\| `(\w+): ", table, re.MULTILINE)
    assert listed == list(declaration.__annotations__)


def test_every_method_of_a_sink_is_listed_with_its_signature() -> None:
    public = [name for name in vars(Sink) if not name.startswith("_") and name != "grouping"]
    _, *listed = fences("python")[-1].splitlines()
    assert listed == [f"def {name}{signature(name)}: ..." for name in public]
    table = GUIDE.partition("| method | promise | raises |\n")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` ", table, re.MULTILINE) == public


def signature(method: str) -> str:
    text = str(inspect.signature(getattr(Sink, method))).replace("<Expect.ANY: 'any'>", "ANY")
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", text).replace("''", '""')
