"""What the README of the chart and its annotations say is so."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.helm import CHART
from tests.cluster.terminal import Terminal, blocks

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
README = (CHART / "README.md").read_text()


def test_the_readmes_examples_are_those_that_are_tested() -> None:
    named = re.compile(r"# (\S+-values\.yaml)\n")
    shown = {
        found[1]: text for text in blocks(README, language="yaml") if (found := named.match(text))
    }
    assert shown.keys() == {"ha-values.yaml", "s3-values.yaml"}
    for name, text in shown.items():
        assert text == (CHART / "ci" / name).read_text()


def test_the_readmes_commands_that_need_no_cluster_run_as_they_are_written(tmp_path: Path) -> None:
    without = [each for each in blocks(README) if each.startswith(("helm lint", "helm template"))]
    assert len(without) == 2
    terminal = Terminal(tmp_path, Path(os.devnull))
    for command in without:
        terminal.done(command)
    rendered = yaml.safe_load_all((tmp_path / "rendered.yaml").read_text())
    assert "Deployment" in {each["kind"] for each in rendered}


def test_the_readme_has_the_sections_and_the_names_that_the_product_promises() -> None:
    sections = re.findall(r"^##+ (.+)$", README, re.MULTILINE)
    promised = [
        *("Overview", "Features", "Installation", "Quick Start", "Verify Installation"),
        *("Configuration", "Key Configuration Options", "Examples"),
        *("High Availability Deployment", "S3 Remote Storage", "Upgrade", "Uninstall"),
        *("Requirements", "Development", "Lint Chart", "Render Templates", "Dry Run Install"),
        *("Architecture", "Documentation", "Support", "License"),
    ]
    assert [each for each in sections if each in promised] == promised


def test_the_readmes_key_options_have_the_defaults_of_the_values() -> None:
    table = README.partition("### Key Configuration Options")[2].partition("### Examples")[0]
    rows = re.findall(r"^\| `([^`]+)` \| [^|]+ \| `([^`]+)` \|$", table, re.MULTILINE)
    assert len(rows) == 8
    for path, default in rows:
        found: Any = VALUES
        for name in path.split("."):
            found = found[name]
        assert yaml.safe_load(default) == found, path


def test_the_annotations_of_the_chart_agree_with_its_values_and_kinds() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    notes = {key.partition("/")[2]: text for key, text in chart["annotations"].items()}
    image = f"{VALUES['image']['repository']}:{VALUES['image']['tag']}"
    assert yaml.safe_load(notes["images"]) == [{"name": "operator", "image": image}]
    assert chart["appVersion"] == VALUES["image"]["tag"]
    kinds = [yaml.safe_load(file.read_text()) for file in sorted((CHART / "crds").iterdir())]
    assert [(each["name"], each["kind"]) for each in yaml.safe_load(notes["crds"])] == [
        (each["metadata"]["name"], each["spec"]["names"]["kind"]) for each in kinds
    ]
