from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from rynxs.cli.main import invoke

if TYPE_CHECKING:
    from collections.abc import Callable

    Cli = Callable[..., "Outcome"]

FIXED_CLOCK = "fixed:2026-01-01T00:00:00Z"


class Outcome(NamedTuple):
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(scope="session", autouse=True)
def interrupts_end_children() -> None:
    """Let interrupts end what tests start, as they do when a terminal's user started it.

    A shell starts what runs in its background with interrupts ignored, and children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parent.parent


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """Run the command line in this process, in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RYNXS_CONFIG", raising=False)
    monkeypatch.delenv("RYNXS_DEBUG", raising=False)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["rynxs", *map(str, arguments)])
        status = invoke()
        return Outcome(status, *capsys.readouterr())

    return run


@pytest.fixture
def agent() -> Callable[..., dict[str, Any]]:
    """Make the manifest of a small agent; keywords replace or add fields of its spec."""

    def make(name: str = "worker", **spec: Any) -> dict[str, Any]:
        base = {"role": "worker", "image": {"repository": "example.org/agent", "tag": "v1"}}
        return {
            "apiVersion": "universe.ai/v1alpha1",
            "kind": "Agent",
            "metadata": {"name": name, "namespace": "default"},
            "spec": base | spec,
        }

    return make


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write manifests to a file of the working directory, as YAML documents."""
    from rynxs.documents import dump_documents

    def write_file(name: str, *manifests: Any) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dump_documents(manifests))
        return file

    return write_file
