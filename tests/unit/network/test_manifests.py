"""Pods, namespaces and policies out of rendered manifests, and how they are asked for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.network import (
    BadQuestion,
    External,
    NamedPort,
    Namespace,
    Network,
    NotUnderstood,
    Pod,
    namespaces_of,
    pods_of,
    policies_of,
)
from tests.unit.network.build import labels, policy, workload

CONFIG = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "config", "namespace": "blue"},
    "data": {"spec.json": '{"containers": []}'},
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "alone", "namespace": "green", "labels": {"app": "alone"}},
    "spec": {"containers": [{"name": "main"}]},
}


def cron_job(job: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    inner = workload("Job", "nightly", **(job or {}))["spec"]
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "nightly", "namespace": "blue"},
        "spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": inner}} | spec,
    }


class TestPods:
    @pytest.mark.parametrize(
        "kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"]
    )
    def test_stand_for_workloads(self, kind: str) -> None:
        (pod,) = pods_of([workload(kind, "web")])
        assert (pod.kind, pod.name, pod.namespace) == (kind, "web", "blue")
        assert pod.labels == {"app": "web"}
        assert pod.running

    def test_are_found_at_any_depth(self) -> None:
        template = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": POD["metadata"]}
        found = pods_of(
            [POD, cron_job(), template | {"template": workload("", "x")["spec"]["template"]}]
        )
        assert [(pod.kind, pod.labels["app"]) for pod in found] == [
            ("Pod", "alone"),
            ("CronJob", "nightly"),
            ("PodTemplate", "x"),
        ]

    def test_are_none_where_there_is_no_template(self) -> None:
        assert pods_of([CONFIG, policy()]) == []

    def test_have_addresses_of_their_own(self) -> None:
        pods = pods_of([workload("Job", f"job-{number}") for number in range(600)])
        assert len({pod.ip for pod in pods}) == 600

    @pytest.mark.parametrize(
        ("manifest", "running"),
        [
            (workload("Deployment", "web"), True),
            (workload("Deployment", "web", replicas=1), True),
            (workload("Deployment", "web", replicas=0), False),
            (workload("Job", "web", suspend=False), True),
            (workload("Job", "web", suspend=True), False),
            (workload("Job", "web", parallelism=0), False),
            (cron_job(), True),
            (cron_job(suspend=True), False),
            (cron_job({"suspend": True}), False),
            (POD, True),
        ],
    )
    def test_tell_whether_they_run(self, manifest: dict[str, Any], *, running: bool) -> None:
        (pod,) = pods_of([manifest])
        assert pod.running is running

    def test_have_the_named_ports_of_containers_that_last(self) -> None:
        def container(name: str, number: int, **more: Any) -> dict[str, Any]:
            return {"ports": [{"name": name, "containerPort": number} | more]}

        setup = container("setup", 1)
        sidecar = container("proxy", 15001) | {"restartPolicy": "Always"}
        unnamed = {"ports": [{"containerPort": 7}]}
        containers = [container("web", 8080), unnamed, container("dns", 53, protocol="UDP")]
        spec = {"containers": containers, "initContainers": [setup, sidecar]}
        (pod,) = pods_of([workload("Deployment", "web", spec)])
        assert pod.ports == (
            NamedPort("web", 8080, "TCP"),
            NamedPort("dns", 53, "UDP"),
            NamedPort("proxy", 15001, "TCP"),
        )

    def test_in_the_network_of_their_host_are_refused(self) -> None:
        """ "Network Policies": what a policy does to them depends on the network plugin."""
        with pytest.raises(NotUnderstood, match="hostNetwork: found True"):
            pods_of([workload("DaemonSet", "agent", {"hostNetwork": True})])
        assert pods_of([workload("DaemonSet", "agent", {"hostNetwork": False})])

    def test_need_a_namespace(self) -> None:
        lost = POD | {"metadata": {"name": "alone"}}
        with pytest.raises(NotUnderstood, match=r"Pod/alone.metadata.namespace: found nothing"):
            pods_of([lost])

    def test_have_labels_that_an_api_server_takes(self) -> None:
        long = POD | {"metadata": {"name": "a", "namespace": "b", "labels": {"app": "x" * 64}}}
        with pytest.raises(NotUnderstood, match="up to 63"):
            pods_of([long])


class TestPolicies:
    def test_are_those_among_the_manifests(self) -> None:
        found = policies_of([CONFIG, policy("a"), workload("Job", "x"), policy("b", "green")])
        assert [(each.name, each.namespace) for each in found] == [("a", "blue"), ("b", "green")]

    @pytest.mark.parametrize(
        "kind", ["AdminNetworkPolicy", "CiliumNetworkPolicy", "GlobalNetworkPolicy"]
    )
    def test_of_other_kinds_are_refused(self, kind: str) -> None:
        with pytest.raises(NotUnderstood, match="allowed: NetworkPolicy"):
            policies_of([policy() | {"kind": kind}])

    @pytest.mark.parametrize("version", ["extensions/v1beta1", "projectcalico.org/v3", None])
    def test_of_other_apis_are_refused(self, version: str | None) -> None:
        with pytest.raises(NotUnderstood, match=r"apiVersion: .*; allowed: networking\.k8s\.io/v1"):
            policies_of([policy() | {"apiVersion": version}])


def test_namespaces_come_with_their_labels() -> None:
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "red"}}
    with_labels = {"name": "blue", "labels": {"team": "x"}}
    found = namespaces_of([CONFIG, manifest, manifest | {"metadata": with_labels}])
    assert found == [Namespace("red", {}), Namespace("blue", {"team": "x"})]


@pytest.mark.parametrize(
    "wrong", [None, [], {}, {"kind": "Pod"}, {"kind": "List", "items": [policy()]}]
)
def test_what_is_no_manifest_is_refused(wrong: Any) -> None:
    with pytest.raises(NotUnderstood):
        Network.of([wrong])


class TestNetworks:
    def test_join_manifests_and_further_pods(self) -> None:
        stranger = Pod("web", "green", {"app": "web"}, "10.0.0.1")
        network = Network.of([workload("Deployment", "web"), policy("web")], pods=[stranger])
        assert [str(pod) for pod in network.pods] == ["Deployment blue/web", "Pod green/web"]
        assert network.pod("web", namespace="green") == stranger
        assert network.pod("web", kind="Deployment").namespace == "blue"
        assert network.policy("web", namespace="blue").name == "web"

    def test_know_namespaces_by_argument_by_manifest_and_by_name_only(self) -> None:
        manifest = {"apiVersion": "v1", "kind": "Namespace"}
        network = Network.of(
            [POD, *(manifest | {"metadata": {"name": name}} for name in ("red", "blue"))],
            namespaces={"blue": {"team": "x"}},
        )
        assert network.namespaces == {
            "green": Namespace("green", None),
            "red": Namespace("red", {}),
            "blue": Namespace("blue", {"team": "x"}),
        }

    def test_name_one_pod_or_none(self) -> None:
        network = Network.of([workload("Job", "web"), workload("Deployment", "web")])
        with pytest.raises(
            BadQuestion, match="web names Job blue/web, Deployment blue/web; allowed"
        ):
            network.pod("web")
        with pytest.raises(BadQuestion, match="gone names nothing"):
            network.pod("gone")
        with pytest.raises(BadQuestion, match="gone names nothing"):
            network.policy("gone")

    @pytest.mark.parametrize(
        "manifests",
        [
            [policy("a"), policy("a")],
            [POD, POD],
            [POD | {"kind": "Other"}, POD | {"kind": "Other"}],
        ],
    )
    def test_hold_nothing_twice(self, manifests: list[dict[str, Any]]) -> None:
        with pytest.raises(BadQuestion, match="is there twice"):
            Network.of(manifests)

    def test_give_no_address_twice(self) -> None:
        one = Pod("one", "blue", {}, "2001:db8::1")
        other = Pod("other", "blue", {}, "2001:db8:0::1")
        with pytest.raises(BadQuestion, match="2001:db8::1 is there twice"):
            Network.of([], pods=[one, other])

    def test_tell_which_pods_a_policy_is_about_running_or_not(self) -> None:
        manifests = [
            workload("Deployment", "web", replicas=0),
            workload("Job", "other"),
            policy("web", podSelector=labels(app="web")),
            policy("all"),
            policy("elsewhere", "green"),
        ]
        network = Network.of(manifests)
        web, other = network.pods
        assert network.selected_by(network.policy("web")) == [web]
        assert network.selected_by(network.policy("all")) == [web, other]
        assert network.selected_by(network.policy("elsewhere")) == []
        assert [each.name for each in network.selecting(web)] == ["web", "all"]


class TestQuestions:
    """Asked wrongly, there is no answer, least of all "no"."""

    POD = Pod("pod", "blue", {}, "10.0.0.1")
    OTHER = Pod("other", "blue", {}, "10.0.0.2")

    @pytest.mark.parametrize("port", [0, -1, 65536, "http", True, None])
    def test_name_a_port(self, port: Any) -> None:
        network = Network.of([], pods=[self.POD, self.OTHER])
        with pytest.raises(BadQuestion, match=f"port {port!r}: allowed are 1 to 65535"):
            network.allows(self.POD, self.OTHER, port=port)

    @pytest.mark.parametrize("protocol", ["tcp", "ICMP", "", None])
    def test_name_a_protocol(self, protocol: Any) -> None:
        network = Network.of([], pods=[self.POD, self.OTHER])
        with pytest.raises(BadQuestion, match="allowed are TCP, UDP, SCTP"):
            network.allows(self.POD, self.OTHER, port=1, protocol=protocol)

    def test_are_about_pods_of_the_network(self) -> None:
        network = Network.of([], pods=[self.POD])
        for source, destination in [(self.POD, self.OTHER), (self.OTHER, self.POD)]:
            with pytest.raises(BadQuestion, match="Pod blue/other is not in this network"):
                network.allows(source, destination, port=1)
        with pytest.raises(BadQuestion, match="not in this network"):
            network.selecting(self.OTHER)

    def test_are_about_a_pod_at_one_end(self) -> None:
        network = Network.of([], pods=[self.POD])
        with pytest.raises(BadQuestion, match="neither end is a pod"):
            network.allows(External("192.0.2.1"), External("192.0.2.2"), port=1)

    def test_do_not_take_a_pod_for_an_address_outside(self) -> None:
        network = Network.of([], pods=[self.POD, self.OTHER])
        with pytest.raises(BadQuestion, match=r"10\.0\.0\.2 is not outside: .* Pod blue/other"):
            network.allows(self.POD, External("10.0.0.2"), port=1)

    @pytest.mark.parametrize(
        "address", ["", "host.example.org", "192.0.2.0/24", "::ffff:192.0.2.1", "fe80::1%eth0"]
    )
    def test_name_addresses(self, address: str) -> None:
        with pytest.raises(BadQuestion, match="address"):
            External(address)
        with pytest.raises(BadQuestion, match="address"):
            Pod("pod", "blue", {}, address)
