"""What the examples render: `python -m tests.golden.examples` writes it down, a test compares it.

For each case there are two files: the manifests, and what the status of each object says.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Final, NamedTuple
from unittest import mock

import yaml

from rynxs.cli.main import invoke

REPOSITORY: Final = Path(__file__).parents[2]
GOLDEN: Final = Path(__file__).parent
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
    printed = io.StringIO()
    with (
        chdir(directory),
        mock.patch.object(sys, "argv", ["rynxs", *arguments]),
        redirect_stdout(printed),
    ):
        status = invoke()
    if status:
        raise RuntimeError(f"rynxs {' '.join(arguments)} exits with {status}")
    return printed.getvalue()


def main() -> None:
    """Write all golden files."""
    for name, case in CASES.items():
        for suffix, content in rendered(case).items():
            (GOLDEN / f"{name}.{suffix}").write_text(content)


if __name__ == "__main__":
    main()
