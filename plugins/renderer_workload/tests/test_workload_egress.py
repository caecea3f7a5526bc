"""Where pods may connect to: every form of allowEgressTo, and the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.network import External, Pod

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import World
    from tests.network import End

NAME = "app.kubernetes.io/name"
MODELS = Pod("models", "inference", {NAME: "models", "tier": "back"}, "10.0.0.1")
OTHERS = (
    Pod("other", "inference", {NAME: "trainer"}, "10.0.0.2"),
    Pod("twin", "default", {NAME: "models"}, "10.0.0.3"),
)


class Asked(NamedTuple):
    """A connection from an agent's pod, and whether a target allows it."""

    end: End
    port: int
    allowed: bool
    protocol: str = "TCP"


def out(address: str) -> External:
    return External(address)


FORMS: dict[str, list[Asked]] = {
    "198.51.100.7": [
        Asked(out("198.51.100.7"), 443, allowed=True),
        Asked(out("198.51.100.7"), 443, allowed=True, protocol="UDP"),
        Asked(out("198.51.100.8"), 443, allowed=False),
    ],
    "198.51.100.7:443": [
        Asked(out("198.51.100.7"), 443, allowed=True),
        Asked(out("198.51.100.7"), 443, allowed=False, protocol="UDP"),
        Asked(out("198.51.100.7"), 80, allowed=False),
        Asked(out("198.51.100.8"), 443, allowed=False),
    ],
    "198.51.100.0/24": [
        Asked(out("198.51.100.0"), 1, allowed=True),
        Asked(out("198.51.100.255"), 65_535, allowed=True, protocol="UDP"),
        Asked(out("198.51.101.0"), 443, allowed=False),
        Asked(MODELS, 8080, allowed=False),
    ],
    "198.51.100.0/24:443": [
        Asked(out("198.51.100.200"), 443, allowed=True),
        Asked(out("198.51.100.200"), 444, allowed=False),
    ],
    "2001:db8::1": [
        Asked(out("2001:db8::1"), 443, allowed=True),
        Asked(out("2001:db8::2"), 443, allowed=False),
    ],
    "[2001:db8::1]:443": [
        Asked(out("2001:db8::1"), 443, allowed=True),
        Asked(out("2001:db8::1"), 80, allowed=False),
    ],
    "[2001:db8::/32]:443": [
        Asked(out("2001:db8:ffff::1"), 443, allowed=True),
        Asked(out("2001:db9::1"), 443, allowed=False),
        Asked(out("2001:db8::1"), 80, allowed=False),
    ],
    "models.inference": [
        Asked(MODELS, 8080, allowed=True),
        Asked(MODELS, 53, allowed=True, protocol="UDP"),
        *(Asked(other, 8080, allowed=False) for other in OTHERS),
    ],
    "models.inference:8080": [
        Asked(MODELS, 8080, allowed=True),
        Asked(MODELS, 8081, allowed=False),
        Asked(MODELS, 8080, allowed=False, protocol="UDP"),
        *(Asked(other, 8080, allowed=False) for other in OTHERS),
    ],
    "models.inference.svc:8080": [
        Asked(MODELS, 8080, allowed=True),
        Asked(MODELS, 8081, allowed=False),
    ],
    "models.inference.svc.cluster.local:8080": [
        Asked(MODELS, 8080, allowed=True),
        Asked(MODELS, 8081, allowed=False),
    ],
}


def check(world: World, asked: list[Asked], name: str, *, gone: bool = False) -> None:
    """Check what a workload's pod may connect to; nothing of it if that is gone."""
    network = world.network([MODELS, *OTHERS])
    pod = network.pod(name)
    for each in asked:
        answer = network.allows(pod, each.end, port=each.port, protocol=each.protocol)
        assert answer is (each.allowed and not gone), each


def job_name(rendered: dict[str, dict[str, Any]]) -> str:
    return str(rendered["Job"]["metadata"]["name"])


@pytest.mark.parametrize("target", FORMS)
def test_an_agent_and_its_sessions_reach_what_a_target_names_and_no_more(
    world: World, target: str
) -> None:
    world.agent(network={"allowEgressTo": [target]})
    session = world.session()
    for name in ("agent-worker", job_name(session)):
        check(world, FORMS[target], name)


@pytest.mark.parametrize("target", FORMS)
def test_suspended_they_reach_nothing_of_it(world: World, target: str) -> None:
    world.agent(network={"allowEgressTo": [target]}, suspend=True)
    session = world.session()
    for name in ("agent-worker", job_name(session)):
        check(world, FORMS[target], name, gone=True)


def test_several_targets_are_all_reached(world: World, dns: Pod) -> None:
    world.agent(network={"allowEgressTo": ["198.51.100.7:443", "models.inference:8080"]})
    check(
        world,
        [
            Asked(out("198.51.100.7"), 443, allowed=True),
            Asked(out("198.51.100.7"), 8080, allowed=False),
            Asked(MODELS, 8080, allowed=True),
            Asked(MODELS, 443, allowed=False),
            Asked(dns, 53, allowed=True, protocol="UDP"),
        ],
        "agent-worker",
    )


def test_what_an_agent_may_reach_does_not_reach_it(world: World) -> None:
    world.agent(network={"allowEgressTo": ["0.0.0.0/0", "models.inference"]})
    network = world.network([MODELS])
    for source in (MODELS, out("198.51.100.7")):
        assert not network.allows(source, network.pod("agent-worker"), port=8080)


AUDIT_LOG = {"url": "s3://log/rynxs", "allowEgressTo": ["198.51.100.9:443", "models.inference"]}
LOG_ASKED = [
    Asked(out("198.51.100.9"), 443, allowed=True),
    Asked(out("198.51.100.9"), 80, allowed=False),
    Asked(MODELS, 8080, allowed=True),
]


@pytest.mark.parametrize("may_read", [True, False])
def test_the_audit_log_is_reached_by_who_may_read_it(
    worlds: Callable[..., World], may_read: bool
) -> None:
    world = worlds({"auditLog": AUDIT_LOG})
    world.agent(permissions={"canAccessAuditLogs": may_read})
    session = world.session()
    for name in ("agent-worker", job_name(session)):
        check(world, LOG_ASKED, name, gone=not may_read)
