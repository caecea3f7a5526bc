"""`make cluster`: what it starts, how it ends, and what it leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster.by_hand import by_hand
from tests.cluster.kubectl import Kubectl

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

LIMIT_S = 60


@contextmanager
def _by_hand(repository: Path) -> Iterator[tuple[subprocess.Popen[str], Kubectl]]:
    """What `make cluster` runs, once it is up."""
    with by_hand(repository, "--nodes=3") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("export KUBECONFIG="):
                yield process, Kubectl(Path(line.strip().partition("=")[2]))
                return
        pytest.fail(process.communicate()[1])


def test_a_cluster_by_hand_serves_until_ctrl_c_and_leaves_nothing(repository: Path) -> None:
    with _by_hand(repository) as (process, kubectl):
        assert kubectl.run("get", "nodes", "-o", "name").out.split() == [
            f"node/fake-{number}" for number in range(3)
        ]
        server = json.loads(kubectl.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, err) == (0, "")
    assert out.endswith("All of it has ended, and nothing is left.\n")
    assert not kubectl.kubeconfig.parent.exists()
    host, port = server.removeprefix("https://").split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_a_cluster_by_hand_ends_when_a_program_of_it_does_and_tells_which(
    repository: Path,
) -> None:
    with _by_hand(repository) as (process, kubectl):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        (kwok,) = [pid for pid in children if Path(f"/proc/{pid}/comm").read_text() == "kwok\n"]
        os.kill(int(kwok), signal.SIGKILL)
        _, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert re.match(r"kwok on 127\.0\.0\.1:\d+ ended with status -9; its log ends:\n", err)
    assert not kubectl.kubeconfig.parent.exists()
