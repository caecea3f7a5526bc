"""What documents have a reader type runs as it is written, from the top of a document to its end.

A block of `console` needs rynxs alone, and is run here. A block of `bash` needs a cluster as well:
those of OPERATIONS.md and RUNBOOKS.md are run by `tests/e2e/test_real_operations.py`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.terminal import blocks

BINARIES = Path(sys.executable).parent
REPOSITORY = Path(__file__).parents[2]
ELSEWHERE = {
    "DETERMINISM_PROOF.md": "names tests of this repository",
    "README.md": "tests/integration/test_docs.py, which counts what comes of it",
    "agent/README.md": "what it starts needs a pod; tests/e2e/test_real_release.py has one",
    "docs/MINIO.md": "tests/e2e/test_minio_doc.py",
    "docs/PLUGINS.md": "tests/authors/test_plugin_guide.py",
}
"""Where the other documents' are run, or why not."""

TYPED = {
    str(path.relative_to(REPOSITORY)): found
    for path in sorted(REPOSITORY.rglob("*.md"))
    if not any(part.startswith(".") for part in path.relative_to(REPOSITORY).parts)
    if (found := blocks(path.read_text(), language="console"))
}


@pytest.mark.parametrize("document", sorted(TYPED.keys() - ELSEWHERE))
def test_a_reader_can_type_all_of_a_document(document: str, tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "examples", tmp_path / "examples")
    for block in TYPED[document]:
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", block],
            cwd=tmp_path,
            env={"PATH": f"{BINARIES}:/usr/bin:/bin", "HOME": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"


def test_no_document_is_left_out() -> None:
    assert ELSEWHERE.keys() <= TYPED.keys()
    assert len(TYPED.keys() - ELSEWHERE) >= 4
