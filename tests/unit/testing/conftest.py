from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    RunKit = Callable[[Mapping[str, str]], dict[str, dict[str, str]]]

PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
NOTHING_BUT_PYTEST = """
import sys

def test_nothing_but_pytest_is_needed():
    assert "hypothesis" not in sys.modules
"""


@pytest.fixture
def run_kit(tmp_path: Path) -> RunKit:
    """Run pytest over files; return what the tests said that failed, by class and test."""

    def run(files: Mapping[str, str]) -> dict[str, dict[str, str]]:
        for name, text in {**files, "test_alone.py": NOTHING_BUT_PYTEST}.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        done = subprocess.run(
            [*PYTEST, "--tb=short", "--junitxml=outcome.xml"],
            cwd=tmp_path,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in {0, 1}, done.stdout + done.stderr
        said: dict[str, dict[str, str]] = {}
        for case in ET.parse(tmp_path / "outcome.xml").iter("testcase"):
            tests = said.setdefault(
                case.attrib["classname"].rpartition(".")[2].removeprefix("Test"), {}
            )
            for trouble in (*case.iter("failure"), *case.iter("error")):
                name = case.attrib["name"].partition("[")[0]
                tests[name] = tests.get(name, "") + trouble.attrib["message"]
        assert said.pop("test_alone") == {}
        return said

    return run
