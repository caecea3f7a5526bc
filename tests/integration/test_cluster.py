"""The cluster of the tests, without its programs: what is said when they are missing or fail."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.cluster import kubectl, node_prerequisites
from tests.cluster.__main__ import main
from tests.cluster.apiserver import USERS, KubeApiserver
from tests.cluster.control_plane import control_plane
from tests.cluster.controller_manager import KubeControllerManager
from tests.cluster.etcd import Etcd
from tests.cluster.image import Image
from tests.cluster.kubectl import Kubectl
from tests.cluster.kwok import Kwok
from tests.cluster.node_prerequisites import BUILT, missing_for_node
from tests.cluster.running import PROGRAMS
from tests.cluster.scheduler import KubeScheduler
from tests.servers.process import ServerFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def apiserver() -> Iterator[KubeApiserver]:
    """An API server that has its files, and does not run."""
    server = KubeApiserver("http://127.0.0.1:1")
    yield server
    server.stop()


def _script(file: Path, text: str) -> Path:
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o700)
    return file


def test_a_cluster_whose_first_program_is_missing_says_what_builds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Etcd, "program", tmp_path / "etcd")
    with (
        pytest.raises(ServerFailed, match="/etcd is missing; `make e2e` builds it"),
        control_plane(),
    ):
        pass


def test_each_of_the_other_programs_says_what_builds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KubeApiserver, "program", tmp_path / "kube-apiserver")
    with pytest.raises(ServerFailed, match="/kube-apiserver is missing; `make e2e` builds it"):
        KubeApiserver("http://127.0.0.1:1").__enter__()
    monkeypatch.setattr(Kubectl, "program", tmp_path / "kubectl")
    with pytest.raises(ServerFailed, match="/kubectl is missing; `make e2e` builds it"):
        Kubectl(tmp_path / "kubeconfig")


def test_an_api_server_that_ends_by_itself_is_reported_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = _script(tmp_path / "kube-apiserver", "echo no etcd; exit 1")
    monkeypatch.setattr(KubeApiserver, "program", program)
    server = KubeApiserver("http://127.0.0.1:1")
    with pytest.raises(ServerFailed, match=r"(?s)kube-apiserver on .* status 1.*no etcd"):
        server.__enter__()
    assert not server.directory.exists()


@pytest.mark.parametrize("kind", [KubeControllerManager, KubeScheduler, Kwok])
def test_each_program_that_needs_an_api_server_is_reported_with_its_log(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    apiserver: KubeApiserver,
    kind: type[KubeControllerManager | KubeScheduler | Kwok],
) -> None:
    program = _script(tmp_path / kind.program.name, "echo no API server; exit 1")
    monkeypatch.setattr(kind, "program", program)
    component = kind(apiserver)
    with pytest.raises(ServerFailed, match=rf"(?s){program.name} on .* status 1.*no API server"):
        component.__enter__()
    assert not component.directory.exists()


def test_a_running_cluster_that_misses_its_last_program_starts_none_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in PROGRAMS:
        program = tmp_path / kind.program.name
        monkeypatch.setattr(kind, "program", program)
        if kind is not PROGRAMS[-1]:
            _script(program, f"echo started > {tmp_path / 'started'}")
    assert main([]) == 1
    out, err = capsys.readouterr()
    assert "KUBECONFIG" not in out
    assert err == f"{tmp_path / PROGRAMS[-1].program.name} is missing; `make e2e` builds it\n"
    assert not (tmp_path / "started").exists()


def test_who_has_a_token_has_a_kubeconfig_of_his_own_whose_name_no_colon_cuts(
    apiserver: KubeApiserver,
) -> None:
    files = {user: apiserver.kubeconfig_of(user) for user in USERS}
    assert len(set(files.values())) == len(USERS)
    for user, file in files.items():
        assert ":" not in str(file)
        assert file.stat().st_mode & 0o077 == 0
        assert json.loads(file.read_text())["contexts"][0]["context"]["user"] == user


def test_kubectl_sees_its_own_kubeconfig_and_home_and_the_text_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/of/the/user")
    program = _script(tmp_path / "kubectl", 'echo "$KUBECONFIG $HOME $*"; cat; exit 3')
    monkeypatch.setattr(Kubectl, "program", program)
    answer = Kubectl(tmp_path / "kubeconfig").run("get", "pods", text="given")
    assert answer == (3, f"{tmp_path}/kubeconfig {tmp_path} get pods\ngiven", "")


def test_warnings_are_told_from_what_else_kubectl_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "Warning: one\nError: no\nNo Warning: here\nWarning: two"
    program = _script(tmp_path / "kubectl", f"echo Warning: printed; printf '{said}' >&2")
    monkeypatch.setattr(Kubectl, "program", program)
    answer = Kubectl(tmp_path / "kubeconfig").run("version")
    assert (answer.warnings, answer.err) == (["one", "two"], said)


def test_waiting_for_a_right_ends_once_it_is_there_and_with_an_error_when_it_never_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "asked"
    program = _script(tmp_path / "kubectl", f'echo "$*" >> {asked}; test $(wc -l < {asked}) -gt 2')
    monkeypatch.setattr(Kubectl, "program", program)
    user = Kubectl(tmp_path / "kubeconfig")
    user.wait_for_right("patch", "configmaps", "--namespace=team")
    assert asked.read_text() == "auth can-i patch configmaps --namespace=team\n" * 3
    asked.unlink()
    monkeypatch.setattr(kubectl, "WAIT_S", 0)
    with pytest.raises(TimeoutError, match="/kubeconfig may not patch configmaps after 0 s"):
        user.wait_for_right("patch", "configmaps")


@pytest.fixture
def capable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this were root, on a machine with all that a real node needs."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(node_prerequisites, "BUILT", ())
    monkeypatch.setattr(node_prerequisites, "PACKAGES", {})
    monkeypatch.setattr(node_prerequisites, "missing_controllers", set)
    monkeypatch.setattr(node_prerequisites, "TRY", ("true",))


@pytest.mark.usefixtures("capable")
def test_a_machine_without_what_a_real_node_needs_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert missing_for_node() is None
    refusal = ("sh", "-c", "echo unshare: not >&2; echo permitted >&2; exit 1")
    for name, value, said in (
        ("TRY", refusal, "namespaces and nftables: unshare: not permitted"),
        ("missing_controllers", lambda: {"pids", "cpu"}, "the cgroup controllers cpu, pids"),
        ("PACKAGES", {"nft-": "nftables"}, "nft-; on Debian: apt-get install nftables"),
        (
            "BUILT",
            (tmp_path / "runc", tmp_path / "ctr"),
            "programs that `make real-pods` builds: runc, ctr",
        ),
    ):
        monkeypatch.setattr(node_prerequisites, name, value)
        assert missing_for_node() == f"a real node needs {said}"


@pytest.mark.usefixtures("capable")
def test_a_cluster_with_a_real_node_that_needs_root_starts_nothing_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main(["--real-node"]) == 1
    assert capsys.readouterr() == ("", "a real node needs root\n")


def test_what_make_builds_for_a_real_node_is_what_it_is_asked_for(repository: Path) -> None:
    makefile = (repository / "Makefile").read_text()
    for program in BUILT:
        assert f"$(TOOLS)/{program.relative_to(repository / '.tools')}" in makefile


def test_an_image_is_an_archive_whose_layer_is_the_one_that_its_configuration_names(
    tmp_path: Path,
) -> None:
    program = _script(tmp_path / "run", "echo runs")
    held = {"/bin/run": program}
    image = Image("example.org/run:1", held, ["/bin/run"], ["now"], {"A": "b"}, "1:1")
    archives = [tmp_path / "one.tar", tmp_path / "other.tar"]
    for archive in archives:
        image.write(archive)
    assert archives[0].read_bytes() == archives[1].read_bytes()
    with tarfile.open(archives[0]) as contents:
        contents.extractall(tmp_path / "archive", filter="data")
    (manifest,) = json.loads((tmp_path / "archive/manifest.json").read_text())
    assert manifest["RepoTags"] == ["example.org/run:1"]
    config = json.loads((tmp_path / "archive" / manifest["Config"]).read_text())
    started = {"Cmd": ["now"], "Entrypoint": ["/bin/run"], "Env": ["A=b"], "User": "1:1"}
    assert config["config"] == started
    (layer,) = (tmp_path / "archive" / name for name in manifest["Layers"])
    digest = hashlib.sha256(layer.read_bytes()).hexdigest()
    assert config["rootfs"]["diff_ids"] == [f"sha256:{digest}"]
    with tarfile.open(layer) as files:
        (member,) = files.getmembers()
    assert (member.name, member.mode) == ("bin/run", 0o555)
