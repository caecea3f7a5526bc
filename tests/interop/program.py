"""Asking the Go program of this folder, which speaks for other people's implementations."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[2] / ".tools" / "interop"
LIMIT_S = 120

needed = pytest.mark.skipif(
    not PROGRAM.is_file(),
    reason=f"{PROGRAM} is missing, so nothing is compared with other implementations; "
    "`make e2e` builds it with Go 1.26 or later",
)


def ask(question: str, requests: list[dict[str, Any]]) -> list[Any]:
    """Return the program's answers to requests of one kind; bytes may stand in the requests."""
    done = subprocess.run(
        [PROGRAM, question],
        input=json.dumps(requests, default=_base64).encode(),
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
    answers = json.loads(done.stdout)
    assert isinstance(answers, list)
    assert len(answers) == len(requests)
    return answers


def hashes(texts: list[str]) -> list[bytes]:
    """Return the bytes of answers that are base64."""
    return [base64.b64decode(text) for text in texts]


def _base64(value: object) -> str:
    assert isinstance(value, bytes)
    return base64.b64encode(value).decode()
