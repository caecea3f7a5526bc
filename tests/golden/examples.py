"""What the examples render: `python -m tests.golden.examples` writes it down, a test compares it.

For each case there are two files: the manifests, and what the status of each object says.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

import yaml

REPOSITORY: Final = Path(__file__).parents[2]
GOLDEN: Final = Path(__file__).parent
_RYNXS = Path(sys.executable).parent / "rynxs"
_FIXED = ("--clock", "fixed:2026-01-01T00:00:00Z")


class Case(NamedTuple):
    """Examples that are run together.

    Attributes:
        files: under ``examples/``.
        renderers: those that are picked.
    """

    files: tuple[str, ...]
    renderers: tuple[str, ...] = ("workload",)


CASES: Final = {
    "agent-basic": Case(("agent-basic.yaml",)),
    "agent-basic-sandbox": Case(("agent-basic.yaml",), ("workload", "sandbox")),
    "agent-team": Case(("agent-team.yaml",)),
    "kill-switch": Case(("kill-switch.yaml",)),
    "session": Case(("session.yaml",)),
    "team-of-ten": Case(("team-of-ten.yaml",)),
    "universe": Case(("universe.yaml", "agent-team.yaml")),
    "violation": Case(("violation.yaml",)),
}


def rendered(case: Case) -> dict[str, str]:
    """Return the contents of a case's golden files by suffix, as `rynxs run` makes them."""
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "rynxs.yaml"
        config.write_text(json.dumps({"plugins": {"renderers": case.renderers}}))
        files = [str(REPOSITORY / "examples" / name) for name in case.files]
        arguments = ["run", *files, "--config", str(config), "--log", "file:log", *_FIXED]
        manifests = _run(directory, *arguments, "-o", "yaml")
        statuses = json.loads(_run(directory, *arguments, "--json"))["statuses"]
    return {"manifests.yaml": manifests, "statuses.yaml": yaml.safe_dump(statuses, width=100)}


def _run(directory: str, *arguments: str) -> str:
    done = subprocess.run(
        [_RYNXS, *arguments], cwd=directory, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def main() -> None:
    """Write all golden files."""
    for name, case in CASES.items():
        for suffix, content in rendered(case).items():
            (GOLDEN / f"{name}.{suffix}").write_text(content)


if __name__ == "__main__":
    main()
