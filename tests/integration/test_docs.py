"""What the documentation says is true."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rynxs import api, errors

BINARIES = Path(sys.executable).parent
REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for path in REPOSITORY.rglob("*.md")
    if not any(part.startswith(".") for part in path.relative_to(REPOSITORY).parts)
)


def fences(document: Path, language: str) -> list[str]:
    found = re.findall(
        rf"^```{language}\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL
    )
    return [str(text) for text in found]


def test_the_readmes_commands_run_as_they_are_written(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "examples", tmp_path / "examples")
    blocks = [text for text in fences(REPOSITORY / "README.md", "console") if "signing.key" in text]
    typed = "".join(blocks).replace(". .venv/bin/activate\n", "").splitlines()
    lines = [line for line in typed if not line.startswith("#")]
    assert len(lines) == 15
    for line in lines:
        done = subprocess.run(
            line,
            shell=True,
            cwd=tmp_path,
            env={"PATH": f"{BINARIES}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    assert len(list((tmp_path / "manifests").rglob("*.yaml"))) == 93
    assert (tmp_path / "report.html").stat().st_size > 10_000


def test_the_readmes_configuration_is_the_default(tmp_path: Path) -> None:
    (text,) = fences(REPOSITORY / "README.md", "yaml")
    (tmp_path / "rynxs.yaml").write_text(text)
    shown = [
        subprocess.run(
            [BINARIES / "rynxs", "config", "show", *options],
            cwd=tmp_path.parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for options in ([], ["--config", str(tmp_path / "rynxs.yaml")])
    ]
    assert yaml.safe_load(shown[0]) == yaml.safe_load(shown[1])


def test_the_readmes_sample_output_has_the_digests_that_a_reader_gets(tmp_path: Path) -> None:
    shown = re.findall(
        r"^ (\S+/agent-worker\S*) +([0-9a-f]{12})   as before$",
        (REPOSITORY / "README.md").read_text(),
        re.MULTILINE,
    )
    run = ["run", str(REPOSITORY / "examples/agent-basic.yaml"), "--log", "file:log", "--json"]
    done = subprocess.run(
        [BINARIES / "rynxs", *run], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    made = [(each["id"], each["digest"][:12]) for each in json.loads(done.stdout)["manifests"]]
    assert shown == made


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_in_the_documentation_lead_somewhere(document: Path) -> None:
    outside_code = re.sub(r"`[^`\n]*`", "", document.read_text())
    for target in re.findall(r"\]\(([^)#\s]+)", outside_code):
        if "://" not in target:
            assert (document.parent / target).exists(), target


def test_the_readme_explains_every_exit_status() -> None:
    table = (REPOSITORY / "README.md").read_text()
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    statuses = {value.exit_code for value in classes if issubclass(value, errors.RynxsError)}
    assert statuses == {1, 2, 3, 74}
    for status in (0, *statuses, 70):
        assert f"| {status} |" in table


def test_plugins_may_import_exactly_the_names_of_the_public_module() -> None:
    assert sorted(api.__all__) == sorted(set(api.__all__))
    assert all(hasattr(api, name) for name in api.__all__)
    documented = (REPOSITORY / "docs/PLUGINS.md").read_text()
    for name in ("Sink", "SinkPlugin", "Personal", "Text", "SpecModel", "RETAIN_ANNOTATION"):
        assert name in api.__all__
        assert name in documented


def test_every_claim_of_the_determinism_proof_names_a_test_that_is_there(repository: Path) -> None:
    text = (repository / "DETERMINISM_PROOF.md").read_text()
    named = re.findall(r"`(tests/[a-z0-9_/]+\.py)(?:::(test_[a-z0-9_]+))?`", text)
    assert len(named) > 20
    for file, test in named:
        source = (repository / file).read_text()
        assert not test or f"def {test}(" in source, f"{file}::{test}"
