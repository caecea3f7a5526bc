"""What README.md, OPERATOR.md and the chart's README have a reader type on a cluster.

What needs pods that run is typed by `test_real_release.py` and its like; `docker` is not here.
"""

from __future__ import annotations

import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.cluster.control_plane import control_plane
from tests.cluster.helm import CHART, REPOSITORY
from tests.cluster.terminal import Terminal, blocks
from tests.servers.failing import told_plainly

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT_S = 60.0
POLL_S = 0.05


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal that speaks to an empty cluster of its own."""
    with told_plainly(), control_plane() as running:
        yield Terminal(tmp_path, running.apiserver.kubeconfig)


def until_leading(terminal: Terminal, line: str) -> None:
    """Type a line that runs an operator; press Ctrl-C once it leads, and see that it ends well."""
    said = terminal.directory / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"],
            cwd=terminal.directory,
            env=terminal.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        deadline = time.monotonic() + LIMIT_S
        while "leading" not in said.read_text() and time.monotonic() < deadline:
            assert process.poll() is None, said.read_text()
            time.sleep(POLL_S)
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == 0, said.read_text()
    finally:
        process.kill()
        process.wait()
    assert "leading" in said.read_text()


def typed(terminal: Terminal, block: str) -> None:
    """Type a block; what sets up a clone has been done."""
    for line in block.splitlines():
        if line.startswith("rynxs operator"):
            until_leading(terminal, line)
        elif not line.startswith("make "):
            terminal.done(line)


def test_an_operator_beside_a_cluster_is_started_as_the_readme_has_it(terminal: Terminal) -> None:
    terminal.done("rynxs keys generate signing.key")
    images, block = blocks((REPOSITORY / "README.md").read_text(), "In a cluster")
    typed(terminal, block)
    assert "rynxs operator" in block
    assert images.startswith("docker build")


def test_an_operator_beside_a_cluster_is_started_as_its_guide_has_it(terminal: Terminal) -> None:
    found = blocks((REPOSITORY / "docs/OPERATOR.md").read_text())
    assert sum(block.count("rynxs operator") for block in found) == 2
    for block in found:
        typed(terminal, block)


def test_a_release_is_installed_and_upgraded_with_values_of_ones_own_as_the_charts_readme_has_it(
    terminal: Terminal,
) -> None:
    """Without nodes the hook that makes a key does not end, so these values bring a key."""
    readme = (CHART / "README.md").read_text()
    values = terminal.directory / "custom-values.yaml"
    values.write_text("signingKey: {existingSecret: my-key}\n")
    given = " --values custom-values.yaml"
    installs = blocks(readme, "Quick Start")[0].splitlines()[1::3]
    assert len(installs) == 3
    for line in installs:
        terminal.done(line if given in line else f"{line}{given}")
        place = "--namespace rynxs" if "--namespace" in line else ""
        terminal.done(f"helm uninstall rynxs {place}")
    terminal.done(installs[1])
    upgrade, kinds = blocks(readme, "Upgrade")
    for line in upgrade.splitlines()[1::3]:
        terminal.done(line if given in line else f"{line}{given}")
    terminal.done(kinds)


def test_the_rules_are_shown_as_the_document_has_it(terminal: Terminal) -> None:
    (command,) = blocks((REPOSITORY / "docs/OBSERVABILITY.md").read_text())
    assert "alert: RynxsHasNoLeader" in terminal.done(command)
