from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from rynxs import hookspecs
from rynxs.errors import PluginError
from rynxs.plugins import PluginManager

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakePlugin = Callable[..., None]

GOOD_SINK = """
from rynxs.api import ConfigModel, SinkPlugin, hookimpl
@hookimpl
def rynxs_sink():
    return SinkPlugin("{name}", ConfigModel, lambda rest: {{}}, None, None)
"""


@pytest.fixture
def make_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakePlugin:
    """Make a distribution as pip would leave it in a directory on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(distribution: str, entry_point: str, code: str) -> None:
        module = distribution.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(code)
        info = tmp_path / f"{module}-1.2.3.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {distribution}\nVersion: 1.2.3\n")
        (info / "entry_points.txt").write_text(f"[rynxs]\n{entry_point} = {module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    return make


def test_our_plugins_are_found_by_entry_point() -> None:
    found = {(p.family, p.name, p.distribution) for p in PluginManager().installed()}
    assert found >= {
        ("sink", "file", "rynxs-sink-file"),
        ("reducer", "agent", "rynxs-reducer-agent"),
        ("renderer", "workload", "rynxs-renderer-workload"),
        ("signer", "ed25519", "rynxs-signer-ed25519"),
    }


def test_rynxs_sink_gives_the_picked_sink(make_plugin: MakePlugin) -> None:
    make_plugin("demo-sink", "sink.demo", GOOD_SINK.format(name="demo"))
    assert PluginManager().sink("demo").name == "demo"


def test_rynxs_reducer_gives_the_picked_reducer() -> None:
    assert PluginManager().reducer("agent").name == "agent"


def test_rynxs_renderer_gives_the_picked_renderer() -> None:
    assert PluginManager().renderer("workload").name == "workload"


def test_rynxs_signer_gives_the_picked_signature_scheme() -> None:
    assert PluginManager().signer("ed25519").name == "ed25519"


def test_a_plugin_is_loaded_once() -> None:
    manager = PluginManager()
    assert manager.sink("file") is manager.sink("file")


def test_an_installed_plugin_that_is_not_picked_is_never_imported(make_plugin: MakePlugin) -> None:
    make_plugin("unpicked", "sink.unpicked", "raise RuntimeError('imported')")
    manager = PluginManager()
    assert ("sink", "unpicked") in {(p.family, p.name) for p in manager.installed()}
    assert manager.sink("file").name == "file"
    assert "unpicked" not in sys.modules


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import missing_module", "does not import: ModuleNotFoundError: No module named"),
        ("raise SystemExit(5)", "does not import: SystemExit: 5"),
        ("raise SystemError('no')", "does not import: SystemError: no"),
        ("syntax error", "does not import: SyntaxError"),
        ("x = 1", r"does not implement rynxs_sink\(\) -> SinkPlugin"),
        (GOOD_SINK.format(name="other"), "calls itself 'other'"),
        (
            "from rynxs.api import hookimpl\n@hookimpl\ndef rynxs_sink(extra): return 1",
            "does not fit the hooks: .*rynxs_sink",
        ),
        (
            "from rynxs.api import hookimpl\n@hookimpl\ndef rynxs_unknown(): return 1",
            "does not fit the hooks: .*unknown hook",
        ),
        (
            "from rynxs.api import hookimpl\n@hookimpl\ndef rynxs_sink(): raise KeyError('x')",
            "failed: KeyError: 'x'",
        ),
        (
            "from rynxs.api import hookimpl\n@hookimpl\ndef rynxs_sink(): return 'a sink'",
            "does not implement",
        ),
    ],
)
def test_a_broken_plugin_names_itself_its_version_and_the_cause(
    make_plugin: MakePlugin, code: str, problem: str
) -> None:
    make_plugin("broken-sink", "sink.broken", code)
    with pytest.raises(PluginError, match=problem) as refused:
        PluginManager().sink("broken")
    assert str(refused.value).startswith("sink 'broken' of broken-sink 1.2.3 ")


def test_a_name_offered_by_two_distributions_is_refused(make_plugin: MakePlugin) -> None:
    make_plugin("first-sink", "sink.twice", GOOD_SINK.format(name="twice"))
    make_plugin("second-sink", "sink.twice", GOOD_SINK.format(name="twice"))
    with pytest.raises(PluginError, match=r"offered by first-sink 1\.2\.3 and second-sink 1\.2\.3"):
        PluginManager().sink("twice")


def test_every_hook_has_a_test_that_names_it_and_its_signature_in_the_docs(
    repository: Path,
) -> None:
    hooks = [name for name in vars(hookspecs) if name.startswith("rynxs_")]
    assert hooks == ["rynxs_sink", "rynxs_reducer", "rynxs_renderer", "rynxs_signer"]
    docs = (repository / "docs/PLUGINS.md").read_text()
    tests = "".join(path.read_text() for path in repository.rglob("test_*.py"))
    for hook in hooks:
        declared = vars(hookspecs)[hook].__annotations__["return"]
        assert f"def {hook}() -> {declared}" in docs
        assert f"def test_{hook}_" in tests


def test_importing_the_kernel_imports_no_plugin_and_nothing_heavy() -> None:
    code = (
        "import sys, rynxs.cli.main\n"
        "heavy = {'pydantic', 'cbor2', 'yaml', 'cryptography', 'pluggy', 'structlog'}\n"
        "print(sorted(heavy & {m.partition('.')[0] for m in sys.modules}))\n"
        "print([m for m in sys.modules if m.startswith('rynxs_')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n[]\n"
