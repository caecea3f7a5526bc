"""`rynxs run`: the main job on the embedded default."""

from __future__ import annotations

import filecmp
import os
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Cli

FIXED = ("--clock", "fixed:2026-01-01T00:00:00Z")


def same_trees(left: Path, right: Path) -> bool:
    compared = filecmp.dircmp(left, right, ignore=[])
    return not (compared.left_only or compared.right_only or compared.diff_files) and all(
        same_trees(left / name, right / name) for name in compared.common_dirs
    )


def test_an_agent_becomes_a_verified_log_and_its_manifests(cli: Cli, repository: Path) -> None:
    done = cli("run", repository / "examples/agent-basic.yaml", "--log", "file:a")
    assert done.status == 0, done.err
    for kind in ("ServiceAccount", "ConfigMap", "PersistentVolumeClaim", "Deployment"):
        assert f"/{kind}/default/agent-worker" in done.out
    assert "3 records appended, 0 to 2, epoch 1" in done.out
    assert "3 records verified" in cli("log", "verify", "--log", "file:a").out


def test_running_again_unchanged_appends_nothing_not_even_an_epoch(
    cli: Cli, repository: Path
) -> None:
    first = cli("run", repository / "examples", "--log", "file:a", "--json").json()
    again = cli("run", repository / "examples", "--log", "file:a", "--json").json()
    assert first["appended"] == first["size"] > 0
    assert again["appended"] == 0
    assert (again["size"], again["root"]) == (first["size"], first["root"])
    assert {subject["verb"] for subject in again["subjects"]} == {"unchanged"}
    said = cli("run", repository / "examples", "--log", "file:a").out
    assert f"nothing has changed, nothing appended; {first['size']} records" in said


def test_an_edited_file_is_one_observation_and_one_plan_with_the_differing_fields(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]
) -> None:
    cli("run", write("a.yaml", agent(), agent("other")), "--log", "file:a")
    edited = write("a.yaml", agent(suspend=True, tools={"allow": ["files"]}), agent("other"))
    done = cli("run", edited, "--log", "file:a")
    assert "spec.suspend: (absent) -> True" in done.out
    assert "spec.tools: (absent) -> {'allow': ['files']}" in done.out
    listed = cli("log", "list", "--start", "5", "--log", "file:a", "--json").json()["records"]
    assert [record["kind"] for record in listed] == ["EpochStarted", "AgentObserved", "Planned"]
    assert listed[2]["cause"] == listed[1]["seq"]


def test_with_a_fixed_clock_two_logs_are_byte_identical(
    cli: Cli, repository: Path, tmp_path: Path
) -> None:
    cli("keys", "generate", "key", *FIXED)
    signer = ("--signer", "ed25519:key")
    for log in ("a", "b"):
        for part in ("examples/agent-basic.yaml", "examples"):
            assert not cli("run", repository / part, "--log", f"file:{log}", *signer, *FIXED).status
    assert same_trees(tmp_path / "a", tmp_path / "b")
    assert sum(len(files) for _, _, files in os.walk(tmp_path / "a")) >= 6


def test_out_holds_exactly_what_is_asked_for(
    cli: Cli,
    write: Callable[..., Path],
    agent: Callable[..., dict[str, Any]],
    tmp_path: Path,
) -> None:
    kept = agent("kept", workspace={"size": "1Gi", "retain": True})
    plain = agent("plain", workspace={"size": "1Gi"})
    cli("run", write("a.yaml", kept, plain), "--log", "file:a", "--out", "out")
    out = tmp_path / "out/default"
    assert len(list(out.iterdir())) == 12
    (out / "mine.yaml").write_text("not: rendered\n")
    deployment = yaml.safe_load((out / "deployment-agent-kept.yaml").read_text())
    assert deployment["spec"]["template"]["spec"]["volumes"]

    done = cli("run", write("a.yaml", agent("new")), "--log", "file:a", "--out", "out", "--prune")
    assert done.status == 0
    assert {file.name for file in out.iterdir()} == {
        "configmap-agent-new.yaml",
        "deployment-agent-new.yaml",
        "mine.yaml",
        "networkpolicy-agent-new.yaml",
        "persistentvolumeclaim-agent-kept-workspace.yaml",
        "service-agent-new.yaml",
        "serviceaccount-agent-new.yaml",
    }


def test_another_logs_files_in_out_are_left_alone(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    write("other.yaml")
    (tmp_path / "other.yaml").write_text("origin: other.example\n")
    cli("run", write("a.yaml", agent("a")), "--log", "file:a", "--out", "out")
    options = ("--log", "file:b", "--out", "out", "--config", "other.yaml")
    cli("run", write("b.yaml", agent("b")), *options)
    assert len(list((tmp_path / "out/default").iterdir())) == 10


def test_prune_takes_what_is_gone_from_the_files_for_deleted(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]
) -> None:
    cli("run", write("a.yaml", agent("a"), agent("b")), "--log", "file:a")
    one = write("a.yaml", agent("a"))
    without = cli("run", one, "--log", "file:a", "--json").json()
    assert without["appended"] == 0
    pruned = cli("run", one, "--log", "file:a", "--prune", "--json").json()
    verbs = {
        subject["subject"].rpartition("/")[2]: subject["verb"] for subject in pruned["subjects"]
    }
    assert verbs == {"a": "unchanged", "b": "deleted"}
    assert pruned["plans"][0]["removed"] == [
        "v1/ServiceAccount/default/agent-b",
        "v1/ConfigMap/default/agent-b",
        "networking.k8s.io/v1/NetworkPolicy/default/agent-b",
        "v1/Service/default/agent-b",
        "apps/v1/Deployment/default/agent-b",
    ]
    assert not cli("run", one, "--log", "file:a", "--prune", "--json").json()["appended"]
    assert cli("replay", "--check", "--log", "file:a").status == 0


def test_yaml_output_is_the_manifests_and_nothing_else(cli: Cli, repository: Path) -> None:
    done = cli("run", repository / "examples/agent-basic.yaml", "--log", "file:a", "-o", "yaml")
    kinds = [manifest["kind"] for manifest in yaml.safe_load_all(done.out)]
    assert kinds == [
        "ServiceAccount",
        "ConfigMap",
        "PersistentVolumeClaim",
        "NetworkPolicy",
        "Service",
        "Deployment",
    ]


def test_several_documents_kinds_and_lists_are_read_from_files_and_directories(
    cli: Cli,
    write: Callable[..., Path],
    agent: Callable[..., dict[str, Any]],
    tmp_path: Path,
) -> None:
    write("dir/one.yaml", agent("a"), agent("b"))
    write("dir/deep/two.yml", {"apiVersion": "v1", "kind": "List", "items": [agent("c")]})
    (tmp_path / "dir/three.json").write_text(
        '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}'
    )
    done = cli("run", "dir", "--log", "file:a", "--json")
    assert done.status == 0
    assert [s["subject"][-1] for s in done.json()["subjects"]] == ["a", "b", "c"]
    assert "warning: dir/three.json:1: no selected reducer owns Pod (v1) 'p'" in done.err
    strict = cli("run", "dir", "--log", "file:b", "--strict")
    assert strict.status == 2
    assert "no selected reducer owns Pod" in strict.err
    assert not (tmp_path / "b").exists()


def test_an_object_without_namespace_gets_the_one_that_is_asked_for(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]
) -> None:
    manifest = agent()
    del manifest["metadata"]["namespace"]
    done = cli("run", write("a.yaml", manifest), "--log", "file:a", "-n", "research", "--json")
    assert done.json()["subjects"][0]["subject"] == "universe.ai/Agent/research/worker"


def test_a_checkpoint_is_made_and_verified_when_a_key_is_given(cli: Cli, repository: Path) -> None:
    vkey = cli("keys", "generate", "key", "--name", "auditor.example").out.strip()
    run = ("run", repository / "examples", "--log", "file:a", "--signer", "ed25519:key")
    report = cli(*run, "--json").json()
    assert report["checkpoint"].startswith("rynxs.local/log\n")
    assert cli(*run, "--json").json()["checkpoint"] == report["checkpoint"]
    done = cli("log", "verify", "--log", "file:a", "--key", vkey)
    assert "; signed by auditor.example" in done.out
    assert cli("checkpoint", "verify", "--log", "file:a", "--key", "key.pub").status == 0


def test_what_can_not_be_done_is_refused_with_its_rule_and_the_rest_goes_on(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]
) -> None:
    outside = agent("outside", network={"allowEgressTo": ["api.example.com"]})
    done = cli("run", write("a.yaml", agent("a"), outside), "--log", "file:a")
    assert done.status == 0
    assert "universe.ai/Agent/default/outside Accepted=False (Unsupported)" in done.out
    assert "spec.network.allowEgressTo[0]: a NetworkPolicy can't allow a host name" in done.out
    assert "agent-outside" not in done.out
    assert "apps/v1/Deployment/default/agent-a" in done.out


def test_what_governs_is_observed_before_what_it_governs(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]
) -> None:
    universe = {
        "apiVersion": "universe.ai/v1alpha1",
        "kind": "Universe",
        "metadata": {"name": "small"},
        "spec": {"namespaces": ["default"], "quotas": {"agents": 1}},
    }
    files = write("a.yaml", agent("a"), agent("b"), universe)
    done = cli("run", files, "--log", "file:a", "--json").json()
    refused = {
        subject.rpartition("/")[2]: condition["reason"]
        for subject, status in done["statuses"].items()
        for condition in status["conditions"]
        if condition["status"] == "False"
    }
    assert refused == {"b": "QuotaExceeded"}


def test_a_refused_run_writes_nothing(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    bad = write("a.yaml", agent("good"), agent("bad", role="boss"))
    assert cli("run", bad, "--log", "file:a", "--out", "out").status == 2
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("broken", ["--out", "--json"])
def test_options_that_cannot_be_met_are_refused(
    cli: Cli, repository: Path, tmp_path: Path, broken: str
) -> None:
    (tmp_path / "file").write_text("")
    options = {"--out": ("--out", "file"), "--json": ("--json", "-o", "yaml")}[broken]
    done = cli("run", repository / "examples", "--log", "file:a", *options)
    assert done.status == {"--out": 74, "--json": 2}[broken]
    assert broken in done.err


def test_a_rule_that_refuses_an_agent_does_not_cost_its_volume(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    universe = {
        "apiVersion": "universe.ai/v1alpha1",
        "kind": "Universe",
        "metadata": {"name": "strict"},
        "spec": {"namespaces": ["default"], "allowed": {"images": ["example.org/other"]}},
    }
    keeper = agent("keeper", workspace={"size": "1Gi"})
    out = ("--log", "file:a", "--out", "out")
    cli("run", write("a.yaml", keeper), *out)
    refused = cli("run", write("a.yaml", keeper, universe), *out)
    assert "v1/PersistentVolumeClaim/default/agent-keeper-workspace   " in refused.out
    files = tmp_path / "out/default"
    claim = "persistentvolumeclaim-agent-keeper-workspace.yaml"
    assert [file.name for file in files.iterdir()] == [claim]
    cli("run", write("a.yaml", keeper, universe), *out)
    assert [file.name for file in files.iterdir()] == [claim]
    cli("run", write("a.yaml", universe), *out, "--prune")
    assert list(files.iterdir()) == []
    assert cli("replay", "--check", "--log", "file:a").status == 0


def test_what_is_written_is_not_read_again(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]
) -> None:
    write("all/a.yaml", agent())
    run = ("run", "all", "--log", "file:a", "--out", "all/out", "--prune")
    for _ in range(2):
        done = cli(*run)
        assert (done.status, done.err) == (0, "")


@pytest.mark.parametrize("uid", [7, {"a": 1}, "é", "a" * 129])
def test_a_uid_that_is_none_is_a_mistake_of_the_file(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]], uid: Any
) -> None:
    manifest = agent()
    manifest["metadata"]["uid"] = uid
    done = cli("run", write("a.yaml", manifest), "--log", "file:a")
    assert done.status == 2
    assert "a.yaml:1: metadata.uid" in done.err or "metadata.uid" in done.err
