"""The values of the chart: what is refused, where, and that what is generated is up to date."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tests.cluster.helm import CHART, REPOSITORY, helm

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())


@pytest.mark.parametrize(
    ("setting", "where", "what"),
    [
        ("replicas=3", "/", "additional properties 'replicas' not allowed"),
        ("image.tagg=v1", "/image", "additional properties 'tagg' not allowed"),
        ("logSink.s3.buckets=b", "/logSink/s3", "additional properties 'buckets' not allowed"),
        ("metrics.port=0", "/metrics/port", "minimum"),
        ("replicaCount=three", "/replicaCount", "got string, want integer"),
        ("replicaCount=-1", "/replicaCount", "minimum"),
        ("logSink.type=kafka", "/logSink/type", "value must be one of 'file', 'lmdb', 's3'"),
        ("logSink.s3.bucket=B", "/logSink/s3/bucket", "does not match pattern"),
        ("logSink.s3.endpoint=user@host", "/logSink/s3/endpoint", "does not match pattern"),
        ("logSink.s3.objectLock.mode=GOVERNANCE", "/logSink/s3/objectLock", "days"),
        ("leaderElection.leaseDuration=15", "/leaderElection/leaseDuration", "got number"),
        ("leaderElection.retryPeriod=2x", "/leaderElection/retryPeriod", "pattern"),
        ("persistence.size=10GB", "/persistence/size", "does not match pattern"),
        ("resources.limits.memory=much", "/resources/limits/memory", "does not match pattern"),
        ("resources.memory=1Gi", "/resources", "additional properties 'memory' not allowed"),
        ("image.pullPolicy=Sometimes", "/image/pullPolicy", "value must be one of"),
        ("image.digest=sha256:abc", "/image/digest", "does not match pattern"),
        ("metrics.serviceMonitor.create=true", "/metrics/serviceMonitor/create", "one of"),
        ("watchNamespaces={Research}", "/watchNamespaces/0", "does not match pattern"),
        ("plugins.reducers={agent,agent}", "/plugins/reducers", "equal"),
        ("podDisruptionBudget.maxUnavailable=half", "/podDisruptionBudget", "pattern"),
        ("operator.batch=1001", "/operator/batch", "maximum"),
        ("tolerations[0].kee=a", "/tolerations/0", "additional properties 'kee' not allowed"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(setting: str, where: str, what: str) -> None:
    done = helm("template", CHART, f"--set={setting}")
    assert done.status != 0
    assert "values don't meet the specifications of the schema" in done.err
    assert f"at '{where}" in done.err.replace("at ''", "at '/'")
    assert what in done.err


def test_a_refusal_is_one_sentence_for_whoever_installs() -> None:
    done = helm("template", CHART, "--set=replicaCount=3")
    assert done.status != 0
    assert (
        "replicaCount is 3, but leaderElection.enabled is false: of several replicas one has to "
        "lead, so set leaderElection.enabled=true.\n"
    ) in done.err


def test_the_schema_is_one_and_takes_the_defaults_and_what_helm_adds_to_a_part() -> None:
    Draft7Validator.check_schema(SCHEMA)
    Draft7Validator(SCHEMA).validate(VALUES | {"global": {"any": "thing"}})


def test_the_schema_leaves_no_key_open_but_where_kubernetes_or_a_plugin_knows_them() -> None:
    open_to_anything = {
        path
        for path, schema in _objects(SCHEMA, "")
        if not isinstance(schema.get("additionalProperties"), (bool, dict))
    }
    assert open_to_anything == {
        "/global",
        "/podSecurityContext",
        "/securityContext",
        "/plugins/settings/sink",
        "/plugins/settings/signer",
    }


def test_schema_table_and_crds_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "helm/generate.py", "--check"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_crds_of_the_chart_are_those_of_the_repository() -> None:
    ours, theirs = (
        {file.name: file.read_bytes() for file in directory.iterdir()}
        for directory in (REPOSITORY / "crds", CHART / "crds")
    )
    assert ours == theirs


def _objects(schema: dict[str, Any], path: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the objects among the values, with their paths; what an array holds is left out."""
    reference = schema.get("$ref", "").rpartition("/")[2]
    resolved = SCHEMA["definitions"][reference] if reference else schema
    if resolved.get("type") != "object":
        return []
    inner = [
        found
        for name, each in resolved.get("properties", {}).items()
        for found in _objects(each, f"{path}/{name}")
        if "affinity" not in path
    ]
    return [(path, resolved), *inner]
