"""The same log gives the same state, in whatever process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Cli

PROCESSES = int(os.environ.get("RYNXS_PROCESSES", "4"))
"""`make e2e` starts all twenty."""
FIXED = ("--clock", "fixed:2026-01-01T00:00:00Z")
SCRIPT = Path(sys.executable).with_name("rynxs")


def test_processes_with_other_hash_seeds_replay_to_the_same_digest(
    cli: Cli, repository: Path, tmp_path: Path
) -> None:
    assert cli("run", repository / "examples", "--log", "file:a").status == 0

    def replay(seed: int) -> tuple[str, int, int]:
        done = subprocess.run(
            [SCRIPT, "replay", "--check", "--log", "file:a", "--json"],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        )
        document = json.loads(done.stdout)
        return document["stateDigest"], document["plansCompared"], document["verdictsCompared"]

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(replay, range(PROCESSES)))
    assert len(answers) == 1
    assert answers.pop()[1:] == (19, 6)


def test_runs_with_other_hash_seeds_write_the_same_bytes(repository: Path, tmp_path: Path) -> None:
    def run(seed: int) -> bytes:
        log = tmp_path / str(seed)
        subprocess.run(
            [SCRIPT, "run", str(repository / "examples"), "--log", f"file:{log}", *FIXED],
            env={"PATH": "/usr/bin:/bin", "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            check=True,
            cwd=tmp_path,
        )
        return b"".join(file.read_bytes() for file in sorted((log / "segments").iterdir()))

    assert len({run(seed) for seed in range(max(2, PROCESSES // 2))}) == 1
