"""Prometheus' own tool."""

from __future__ import annotations

import json
import subprocess
from typing import Any, NamedTuple

from tests.servers.failing import told_plainly
from tests.servers.process import TOOLS, require

LIMIT_S = 60


class Said(NamedTuple):
    """What it printed, and its exit status."""

    status: int
    out: str
    err: str


def promtool(*arguments: str, given: bytes) -> Said:
    """Run the tool with something on its standard input."""
    with told_plainly():
        require(TOOLS / "promtool")
    done = subprocess.run(
        [TOOLS / "promtool", *arguments],
        input=given,
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


def checked(rules: dict[str, Any]) -> Said:
    """Have it check rules, and take what it would merely warn of as wrong."""
    return promtool(
        "check", "rules", "--lint=all", "--lint-fatal", given=json.dumps(rules).encode()
    )
