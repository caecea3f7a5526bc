"""The chart as its README has it, on a real node: what it promises happens in pods that run."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from rynxs_agent.testing import calls, says
from tests.cluster.apiserver import NOWHERE
from tests.cluster.helm import CHART
from tests.cluster.release import Release
from tests.cluster.terminal import blocks
from tests.servers.model import stub_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.real_cluster import RealCluster

README = (CHART / "README.md").read_text()
INSTALL = blocks(README, "Quick Start")[0].splitlines()[1]
SCRAPE = """
import sys, urllib.request
sys.stdout.write(urllib.request.urlopen("http://rynxs.default.svc:8080/metrics").read().decode())
"""


@pytest.fixture
def release(real: RealCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A release that is not installed yet, in the namespace of a newcomer."""
    made = Release(real, tmp_path_factory.mktemp("typed"), "default")
    yield made
    made.remove()


def test_from_install_to_a_running_agent_a_verified_log_and_metrics_and_what_an_uninstall_leaves(
    release: Release,
) -> None:
    """What a newcomer types, in the order of the README."""
    notes = release.install(INSTALL)
    for block in blocks(README, "Verify Installation"):
        release.terminal.done(block)
    release.until_it_runs("worker")
    assert "Phase:          Succeeded" in release.terminal.done("helm test rynxs --logs")

    verified = release.fetch_log(notes)
    assert "the log, the newest of" in verified
    assert "signed by rynxs.local/default/rynxs" in verified
    assert "all as recorded" in release.terminal.done("rynxs replay --log file:./copy --check")

    release.install("helm upgrade rynxs ./helm/rynxs --set metrics.enabled=true,operator.batch=50")
    scraped = release.done("exec", "deployment/agent-worker", "--", "python", "-c", SCRAPE)
    assert "\nrynxs_leader 1.0\n" in scraped
    kept = release.terminal.done("rynxs log list --log file:./copy --json")
    assert "the log, the newest of" in release.fetch_log(notes)
    grown = json.loads(release.terminal.done("rynxs log list --log file:./copy --json"))
    before = json.loads(kept)
    assert grown["records"][: len(before["records"])] == before["records"]
    assert len(grown["records"]) > len(before["records"])

    release.terminal.done(blocks(README, "Uninstall")[0].splitlines()[1])
    release.done("wait", "--for=delete", "pod", "--selector=app.kubernetes.io/name=rynxs")
    left = release.done("get", "pvc,secret,agents,deployments,serviceaccounts", "-o=name").split()
    assert {*left} >= {
        "persistentvolumeclaim/rynxs",
        "secret/rynxs-signing-key",
        "agent.universe.ai/worker",
        "deployment.apps/agent-worker",
    }
    assert not {"deployment.apps/rynxs", "serviceaccount/rynxs"} & {*left}
    again = release.install(INSTALL)
    assert "epoch 3" in release.fetch_log(again)
    release.until_it_runs("worker")


def test_a_session_succeeds_with_the_files_that_it_made(release: Release) -> None:
    release.install(INSTALL)
    written = {"path": "report.md", "content": "Nothing happened.\n"}
    script = [calls(("files_write", written)), says("The report is in report.md.")]
    with stub_model(script, NOWHERE) as model:
        provider = {"kind": "openai", "baseUrl": model.url, "model": "stub"}
        release.apply(
            release.agent("reporter", provider=provider, tools={"allow": ["files*"]}),
            {
                "apiVersion": "universe.ai/v1alpha1",
                "kind": "Session",
                "metadata": {"name": "monday", "namespace": release.namespace},
                "spec": {
                    "agentRef": "reporter",
                    "input": {"text": "Summarise last week's incidents in report.md."},
                    "timeout": "5m",
                    "workspace": {"kind": "agent"},
                },
            },
        )
        release.until_it_runs("reporter")
        release.wait("jsonpath={.status.phase}=Succeeded", "session/monday")
    asked = [message["content"] for message in model.questions[0].body["messages"]]
    assert "Summarise last week's incidents in report.md." in asked
    show = ("exec", "deployment/agent-reporter", "--", "sh", "-c")
    assert release.done(*show, 'cat "$RYNXS_WORKSPACE/report.md"') == written["content"]
    outcome = json.loads(
        release.done(*show, 'cat "$RYNXS_WORKSPACE/.rynxs/sessions/monday/outcome.json"')
    )
    assert (outcome["state"], outcome["reason"]) == ("Succeeded", "Completed")
    assert outcome["files"] == ["report.md"]


def wheel_of_a_sink(release: Release) -> Path:
    """Do what the guide for plugin authors says, up to a wheel."""
    release.terminal.done(
        "rynxs plugins new sink acme\n"
        "python -m pip wheel --no-deps --no-build-isolation --wheel-dir wheels ./rynxs-sink-acme"
    )
    (wheel,) = (release.terminal.directory / "wheels").iterdir()
    return wheel


def test_somebody_elses_sink_is_installed_from_a_directory_of_wheels_and_keeps_the_log(
    real: RealCluster, release: Release
) -> None:
    wheel = wheel_of_a_sink(release)
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "wheels", "namespace": release.namespace},
        "spec": {
            "accessModes": ["ReadOnlyMany"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    release.apply(claim)
    release.wait("jsonpath={.status.phase}=Bound", "pvc/wheels")
    volume = release.done("get", "pvc", "wheels", "-o=jsonpath={.spec.volumeName}")
    shutil.copy(wheel, real.volumes / volume)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    values = yaml.safe_load((CHART / "ci/plugin-values.yaml").read_text())
    values["plugins"]["install"]["requirements"] = f"rynxs-sink-acme==0.1.0 --hash=sha256:{digest}"
    values["plugins"]["settings"]["sink"] = {"path": "/var/lib/rynxs/acme"}
    (release.terminal.directory / "values.yaml").write_text(json.dumps(values))
    notes = release.install(f"{INSTALL} --values values.yaml")
    release.apply(release.agent("worker"))
    release.until_it_runs("worker")
    installed = release.done("logs", "deployment/rynxs", "--container=install-plugins")
    assert "installed rynxs-sink-acme 0.1.0" in installed
    assert "the log, the newest of" in release.fetch_log(notes)
    log = (
        "exec",
        "deployment/rynxs",
        "--",
        "rynxs",
        "log",
        "list",
        "--log=acme:/var/lib/rynxs/acme",
    )
    assert "universe.ai/Agent/default/worker" in release.done(*log)
    refused = release.run("exec", "deployment/rynxs", "--", "mkdir", "/opt/rynxs/plugins/more")
    assert "Read-only file system" in refused.err


def test_who_asks_is_known_by_the_webhook_behind_its_service(release: Release) -> None:
    release.install(f"{INSTALL} --set webhook.enabled=true")
    release.apply(release.agent("worker"))
    release.until_it_runs("worker")
    log = ("exec", "deployment/rynxs", "--", "rynxs", "log")
    tries = iter(range(1000))

    def is_alice_known() -> bool:
        """The API server begins to ask a bit after the webhook is there, so she asks again."""
        edit = json.dumps({"spec": {"team": f"t{next(tries)}"}})
        as_alice = ("--as=alice", "--as-group=system:masters")
        release.done("patch", "agent/worker", "--type=merge", f"--patch={edit}", *as_alice)
        listed = json.loads(release.done(*log, "list", "--kind=AgentObserved", "--json"))
        shown = json.loads(release.done(*log, "show", listed["records"][-1]["seq"], "--json"))
        actor = shown["payload"]["actor"]
        return (actor["name"], actor["authenticated"]) == ("alice", True)

    release.until("alice is known", is_alice_known)
