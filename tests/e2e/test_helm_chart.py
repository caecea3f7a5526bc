"""What the chart renders: it lints, its suites pass, and an operator takes what is made for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.helm import CHART, EXAMPLES, helm, of_kind, pod_templates, template, the

RYNXS = Path(sys.executable).parent / "rynxs"
ON_1_24 = {
    *("v1", "apps/v1", "batch/v1", "policy/v1", "networking.k8s.io/v1"),
    *("rbac.authorization.k8s.io/v1", "admissionregistration.k8s.io/v1"),
}
"""Of what the chart uses, all that Kubernetes 1.24 serves: https://v1-24.docs.kubernetes.io."""
BROUGHT_BY_OTHERS = {"monitoring.coreos.com/v1", "cert-manager.io/v1"}
ACME = """
from rynxs.api import ConfigModel, SinkPlugin, hookimpl

class Settings(ConfigModel):
    file: str

@hookimpl
def rynxs_sink():
    return SinkPlugin(
        name="acme", settings=Settings, parse_url=dict, open_writer=None, open_reader=None
    )
"""
every_example = pytest.mark.parametrize("values", EXAMPLES, ids=lambda file: file.stem)


@every_example
def test_an_example_lints_without_a_warning(values: Path) -> None:
    done = helm("lint", "--strict", CHART, f"--values={values}")
    assert done.status == 0, done.out + done.err
    assert "[WARNING]" not in done.out


def test_the_defaults_lint_without_a_warning() -> None:
    done = helm("lint", "--strict", CHART)
    assert done.status == 0, done.out + done.err
    assert "[WARNING]" not in done.out


def test_the_suites_of_the_chart_pass() -> None:
    done = helm("--strict", CHART, program="helm-unittest")
    assert done.status == 0, done.out + done.err
    suites = list((CHART / "tests").glob("*_test.yaml"))
    assert f"Test Suites: {len(suites)} passed, {len(suites)} total" in done.out


def test_each_template_is_named_by_a_suite() -> None:
    suites = [
        yaml.safe_load(each.read_text())["templates"] for each in CHART.glob("tests/*_test.yaml")
    ]
    tested = {name for suite in suites for name in suite}
    templates = CHART / "templates"
    files = {str(each.relative_to(templates)) for each in templates.rglob("*") if each.is_file()}
    assert tested == {name for name in files if not name.startswith("_")}


@every_example
def test_an_operator_takes_the_configuration(values: Path, tmp_path: Path) -> None:
    shown = _config_show(template(values), tmp_path)
    given = yaml.safe_load(values.read_text())
    assert shown["operator"]["leaderElection"]["enabled"] == (
        given.get("leaderElection", {}).get("enabled", False)
    )
    sink = given.get("plugins", {}).get("sink") or given.get("logSink", {}).get("type", "file")
    assert shown["plugins"]["sink"] == sink
    assert shown["operator"]["namespaces"] == given.get("watchNamespaces", [])


def test_the_chart_has_the_operators_own_defaults(tmp_path: Path) -> None:
    charts = _config_show(template(), tmp_path)
    own = subprocess.run(
        [RYNXS, "config", "show", "--json"], cwd=tmp_path, capture_output=True, check=True
    ).stdout
    expected = json.loads(own)
    expected["origin"] = "rynxs.local/ops/rynxs"
    expected["settings"]["sink"]["path"] = "/var/lib/rynxs/log"
    expected["settings"]["signer"]["keyFile"] = "/etc/rynxs/keys/signing.key"
    expected["operator"]["leaderElection"]["namespace"] = "ops"
    expected["operator"]["http"]["host"] = "0.0.0.0"
    assert charts == expected


@every_example
def test_api_versions_are_there_in_kubernetes_1_24(values: Path) -> None:
    used = {each["apiVersion"] for each in template(values)}
    assert used <= ON_1_24 | BROUGHT_BY_OTHERS
    if values.stem != "everything-values":
        assert used <= ON_1_24


@every_example
def test_only_pods_of_the_operator_carry_its_name(values: Path) -> None:
    for kind, pod in pod_templates(template(values)):
        is_named = pod["metadata"]["labels"]["app.kubernetes.io/name"] == "rynxs"
        assert is_named == (kind == "Deployment")


def test_the_rights_in_all_namespaces_are_those_in_one_and_those_on_universes() -> None:
    manifests = template("--set=watchNamespaces={team}")
    role = the(manifests, "Role", "ops-rynxs")
    assert role["metadata"]["namespace"] == "team"
    universes = the(manifests, "ClusterRole")
    assert the(template(), "ClusterRole")["rules"] == [*universes["rules"], *role["rules"]]


def test_nothing_may_touch_secrets_or_roles_but_the_hook_that_makes_the_key() -> None:
    manifests = [*template(*EXAMPLES[:1]), *template()]
    for each in (*of_kind(manifests, "Role"), *of_kind(manifests, "ClusterRole")):
        resources = {name for rule in each["rules"] for name in rule["resources"]}
        assert not resources & {"*", "roles", "rolebindings", "clusterroles", "pods", "pods/exec"}
        is_hook = "helm.sh/hook" in each["metadata"].get("annotations", {})
        assert ("secrets" in resources) == is_hook


def _config_show(manifests: list[dict[str, Any]], directory: Path) -> dict[str, Any]:
    """Return the configuration that the operator reads from the rendered ConfigMap."""
    deployment = the(manifests, "Deployment")
    configmap = the(manifests, "ConfigMap", deployment["metadata"]["name"])
    (directory / "rynxs.yaml").write_text(configmap["data"]["rynxs.yaml"])
    (directory / "acme_sink.py").write_text(ACME)
    info = directory / "acme_sink-3.2.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: acme-sink\nVersion: 3.2.1\n")
    (info / "entry_points.txt").write_text("[rynxs]\nsink.acme = acme_sink\n")
    done = subprocess.run(
        [RYNXS, "config", "show", "--json", "--config", directory / "rynxs.yaml"],
        env={"PATH": os.defpath, "PYTHONPATH": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown
