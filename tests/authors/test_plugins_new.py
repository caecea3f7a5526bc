"""`rynxs plugins new`: what it makes installs, works, and passes its own tests at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from rynxs import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import Cli

BINARIES = Path(sys.executable).parent
FAMILIES = ("sink", "reducer", "renderer", "signer")
PIP_INSTALL = ["-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
NAME = "my_disk-2"
SAMPLE = """
apiVersion: example.org/v1
kind: MyDisk2
metadata: {name: first, namespace: team-a}
spec: {size: 3, colour: blue}
"""
CONFIG = """
plugins: {sink: my_disk-2, reducers: [my_disk-2], renderers: [my_disk-2], signer: my_disk-2}
settings: {sink: {path: ./log}, signer: {keyFile: signing.key}}
"""


class World:
    """A directory with the four distributions, and one into which pip has installed them."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.folders = {family: place / f"rynxs-{family}-my-disk-2" for family in FAMILIES}

    def run(self, *arguments: object, cwd: Path | None = None) -> str:
        """Run a command where the plugins are installed, and no pytest plugin is at hand."""
        done = subprocess.run(
            [*map(str, arguments)],
            cwd=cwd or self.place,
            env={
                "PATH": os.pathsep.join([str(BINARIES), "/usr/bin", "/bin"]),
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                "PYTHONPATH": str(self.place / "site"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("world"))
    for family, folder in world.folders.items():
        made = world.run("rynxs", "plugins", "new", family, NAME)
        assert f"{folder.name}/pyproject.toml" in made
    site = ["--target", world.place / "site"]
    world.run(sys.executable, *PIP_INSTALL, *site, *world.folders.values())
    return world


@pytest.mark.parametrize("family", FAMILIES)
def test_its_own_tests_pass_with_nothing_but_pytest(world: World, family: str) -> None:
    said = world.run("pytest", "-q", "-p", "no:cacheprovider", cwd=world.folders[family])
    assert " passed in " in said
    assert "skipped" not in said
    assert "failed" not in said


def test_what_it_makes_is_clean_by_the_default_rules_of_ruff_and_the_strict_ones_of_mypy(
    world: World,
) -> None:
    world.run("ruff", "check", "--isolated", "--no-cache", *world.folders.values())
    for folder in world.folders.values():
        world.run("mypy", "--strict", "--cache-dir", world.place / "cache", ".", cwd=folder)


def test_it_is_listed_under_its_name_and_loads(world: World) -> None:
    listed = world.run("rynxs", "plugins", "list")
    for family in FAMILIES:
        (line,) = (line for line in listed.splitlines() if f"rynxs-{family}-my-disk-2" in line)
        assert line.split()[:3] == [family, NAME, "0.1.0"]
        assert "does not" not in line


def test_rynxs_run_uses_all_four_and_what_they_recorded_verifies_and_replays(world: World) -> None:
    (world.place / "rynxs.yaml").write_text(CONFIG)
    (world.place / "sample.yaml").write_text(SAMPLE)
    try:
        vkey = world.run("rynxs", "keys", "generate", "signing.key").strip()
        done = world.run("rynxs", "run", "sample.yaml", "--out", "manifests")
        assert "v1/ConfigMap/team-a/my-disk-2-first" in done
        assert [file.name for file in (world.place / "log" / "batches").iterdir()] == ["0" * 20]
        assert "colour: blue" in "".join(
            file.read_text() for file in (world.place / "manifests").rglob("*.yaml")
        )
        verified = world.run("rynxs", "log", "verify", "--key", vkey)
        assert "1 matches the log, the newest of 3 records; signed by rynxs.local/log" in verified
        assert "plans: 1 recomputed" in world.run("rynxs", "replay", "--check")
        assert "3 records verified" in world.run("rynxs", "log", "verify", "--log", f"{NAME}:log")
    finally:
        (world.place / "rynxs.yaml").unlink()


def test_a_batch_that_is_damaged_or_missing_is_told_with_its_record(world: World) -> None:
    (world.place / "sample.yaml").write_text(SAMPLE)
    plugins = "plugins: {reducers: [my_disk-2], renderers: [my_disk-2]}\n"
    (world.place / "damage.yaml").write_text(plugins)
    url = [f"--log={NAME}:./damaged", "--config=damage.yaml"]
    world.run("rynxs", "run", "sample.yaml", *url)
    (world.place / "sample.yaml").write_text(SAMPLE.replace("blue", "green"))
    world.run("rynxs", "run", "sample.yaml", *url)
    first, second = sorted((world.place / "damaged" / "batches").iterdir())
    whole = first.read_bytes()
    first.write_bytes(whole[:-30] + bytes([whole[-30] ^ 1]) + whole[-29:])
    assert "error: record 2: its batch fails its checksum" in failure(world, *url)
    first.write_bytes(whole[:-30])
    assert "error: record 0: its batch is damaged" in failure(world, *url)
    first.unlink()
    assert "error: record 0: missing: no batch holds it" in failure(world, *url)
    assert int(second.name) == 3


def failure(world: World, *arguments: str) -> str:
    done = subprocess.run(
        [BINARIES / "rynxs", "log", "verify", *arguments],
        cwd=world.place,
        env={"PYTHONPATH": str(world.place / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    return done.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "expected are lower-case letters and digits"),
        ("My Disk", "found 'My Disk'; expected are lower-case letters and digits"),
        ("My Disk", "did you mean 'my-disk'?"),
        ("a--b", "did you mean 'a-b'?"),
        ("3d", "the first one a letter"),
        ("../escape", "did you mean 'escape'?"),
        ("a.b", "did you mean 'a-b'?"),
        ("disk\n", "did you mean 'disk'?"),
        ("plätze", "with single '-' or '_' between them"),
        ("x" * 41, "at most 40 characters"),
    ],
)
def test_a_name_that_nothing_can_be_called_by_is_refused(
    cli: Cli, tmp_path: Path, name: str, message: str
) -> None:
    refused = cli("plugins", "new", "sink", name)
    assert refused.status == 2
    assert message in refused.err
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_family_is_refused(cli: Cli) -> None:
    refused = cli("plugins", "new", "drain", "x")
    assert refused.status == 2
    assert "'drain' is not one of 'sink', 'reducer', 'renderer', 'signer'" in refused.err


@pytest.mark.parametrize("name", ["a", "x" * 40, "none-2b_c"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_allowed_name_makes_python_that_compiles(
    cli: Cli, tmp_path: Path, family: str, name: str
) -> None:
    made = cli("plugins", "new", family, name, "--directory", "here", "--json")
    assert made.status == 0, made.err
    document = made.json()
    assert document["plugin"] == f"{family}.{name}"
    for path in document["files"]:
        text = (tmp_path / "here" / path).read_text()
        assert "@@" not in text
        if path.endswith(".py"):
            compile(text, path, "exec")


def test_a_folder_in_use_is_left_as_it_is(cli: Cli, tmp_path: Path) -> None:
    taken = tmp_path / "rynxs-sink-demo"
    taken.mkdir()
    (taken / "mine").write_text("work")
    (tmp_path / "file").write_text("work")
    for folder, message in (
        ((), "rynxs-sink-demo: is there already, and not empty; name another folder"),
        (("--directory", "file"), "file: is there already, and not a directory"),
        (("--directory", "gone/demo"), "gone/demo: gone is not a directory"),
        (("--directory", "file/demo"), "file/demo: file is not a directory"),
    ):
        refused = cli("plugins", "new", "sink", "demo", *folder)
        assert refused.status == 2
        assert message in refused.err
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "mine", "rynxs-sink-demo"]


def test_an_empty_folder_is_filled_also_the_one_it_is_run_in(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert cli("plugins", "new", "reducer", "demo", "--directory", "empty").status == 0
    made = sorted(path.name for path in (tmp_path / "empty").iterdir())
    assert made == ["README.md", "pyproject.toml", "rynxs_reducer_demo", "tests"]
    os.chdir(tmp_path / "empty" / "tests")
    (tmp_path / "empty" / "tests" / "test_conformance.py").unlink()
    assert cli("plugins", "new", "signer", "demo", "--directory", ".").status == 0
    assert Path("pyproject.toml").is_file()


@pytest.mark.parametrize("failing", ["write_text", "rename"])
@pytest.mark.parametrize("there", [True, False])
def test_nothing_stays_behind_when_it_can_not_be_written(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, there: bool
) -> None:
    (tmp_path / "work").mkdir()
    if there:
        (tmp_path / "work" / "demo").mkdir()
    real = getattr(Path, failing)
    uses: list[Path] = []

    def fail_at_the_third(path: Path, *arguments: object, **options: object) -> object:
        uses.append(path)
        if len(uses) == 3:
            raise OSError(28, "No space left on device", str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, failing, fail_at_the_third)
    refused = cli("plugins", "new", "sink", "demo", "--directory", tmp_path / "work" / "demo")
    assert refused.status == 74
    assert "No space left on device" in refused.err
    left: Sequence[str] = [path.name for path in (tmp_path / "work").rglob("*")]
    assert left == (["demo"] if there else [])


def test_a_name_that_is_taken_by_an_installed_plugin_is_warned_of(cli: Cli) -> None:
    made = cli("plugins", "new", "sink", "file", "--directory", "mine")
    assert made.status == 0
    assert "warning: sink 'file' of rynxs-sink-file" in made.err
    assert "call yours otherwise" in made.err
    assert "warning" not in cli("plugins", "new", "signer", "file").err


def test_it_asks_for_this_version_of_the_kernel_and_none_that_may_differ(
    cli: Cli, tmp_path: Path
) -> None:
    cli("plugins", "new", "sink", "demo", "--directory", "demo")
    major, minor = map(int, __version__.split(".")[:2])
    wanted = f'"rynxs>={major}.{minor},<{major}.{minor + 1}"'
    assert wanted in (tmp_path / "demo" / "pyproject.toml").read_text()


def test_the_templates_are_in_the_wheel(repository: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path],
        cwd=repository,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("rynxs-*.whl")
    templates = repository / "rynxs" / "scaffold" / "templates"
    wanted = {str(file.relative_to(repository)) for file in templates.rglob("*.in")}
    assert len(wanted) > 20
    assert wanted <= set(ZipFile(wheel).namelist())
