"""Rules: what breaks one is refused with the universe, the rule, the field and what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import World

SECRET = {"name": "own", "key": "key"}
PROVIDER = {"kind": "openai", "baseUrl": "https://m.example.org/v1", "model": "x"}
IMAGE = {"repository": "ghcr.io/acme/agent", "tag": "v1"}
MESSAGE_SIZE_MAX = 32_768  # metav1.Condition

BROKEN = [
    (
        {"image": {"repository": "ghcr.io/evil/agent", "tag": "v1"}},
        {"images": ["ghcr.io/acme/*"]},
        "ImageNotAllowed",
        "spec.image: ghcr.io/evil/agent, tag v1",
        "allowed.images of universe strict, which has ghcr.io/acme/*",
    ),
    (
        {"tools": {"allow": ["files", "shell"]}},
        {"tools": ["files", "fetch*"]},
        "ToolNotAllowed",
        "spec.tools.allow[1]: shell",
        "allowed.tools of universe strict, which has files, fetch*",
    ),
    (
        {"tools": {"allow": ["files*"]}},
        {"tools": ["files"]},
        "ToolNotAllowed",
        "spec.tools.allow[0]: files*",
        "allowed.tools of universe strict, which has files",
    ),
    (
        {"provider": {**PROVIDER, "apiKeySecretRef": SECRET}},
        {"secrets": ["team-*"]},
        "SecretNotAllowed",
        "spec.provider.apiKeySecretRef.name: own",
        "allowed.secrets of universe strict, which has team-*",
    ),
    (
        {"provider": {**PROVIDER, "apiKeySecretRef": SECRET}},
        {"tools": ["*"]},
        "SecretNotAllowed",
        "spec.provider.apiKeySecretRef.name: own",
        "allowed.secrets of universe strict, which has nothing",
    ),
    (
        {"network": {"allowEgressTo": ["10.0.0.1", "0.0.0.0/0"]}},
        {"egress": ["10.0.0.0/8", "*.inference:8080"]},
        "EgressNotAllowed",
        "spec.network.allowEgressTo[1]: 0.0.0.0/0",
        "allowed.egress of universe strict, which has 10.0.0.0/8, *.inference:8080",
    ),
    (
        {"network": {"allowEgressTo": ["models.inference"]}},
        {"egress": []},
        "EgressNotAllowed",
        "spec.network.allowEgressTo[0]: models.inference",
        "allowed.egress of universe strict, which has nothing",
    ),
]


@pytest.mark.parametrize(("spec", "allowed", "reason", "field", "rule"), BROKEN)
def test_a_violation_names_universe_rule_field_and_what_is_allowed(
    world: World,
    spec: dict[str, Any],
    allowed: dict[str, Any],
    reason: str,
    field: str,
    rule: str,
) -> None:
    world.universe("strict", allowed=allowed)
    agent, other = world.agent("breaks", **spec), world.agent("keeps")
    assert world.runs(agent, other) == [False, True]
    status, told, message = world.condition(agent)
    assert (status, told) == ("False", reason)
    assert message == f"{field} is not in {rule}"
    assert world.status(agent)["phase"] == "Refused"


@pytest.mark.parametrize(("spec", "allowed", "reason", "field", "rule"), BROKEN)
def test_a_rule_concerns_whom_it_refuses_and_lifting_it_gives_the_same_plan_again(
    world: World,
    spec: dict[str, Any],
    allowed: dict[str, Any],
    reason: str,
    field: str,
    rule: str,
) -> None:
    lenient = {"secrets": ["*"]}
    universe = world.universe(allowed=lenient)
    agent = world.agent("breaks", **spec)
    world.agent("keeps")
    world.agent("breaks", "elsewhere", **spec)
    before = world.plans()
    world.told()
    world.universe(allowed=allowed)
    assert world.told() == [
        ("UniverseObserved", "main"),
        ("Judged", "breaks"),
        ("Planned", "breaks"),
    ]
    assert world.ids(agent) == []
    world.universe(allowed=lenient)
    assert world.plans() == {**before, universe: before[universe]}
    assert world.condition(agent) == ("True", "Valid", "")


def test_a_list_that_is_not_there_restricts_nothing_but_secrets(world: World) -> None:
    world.universe()
    free = world.agent(
        "free",
        image={"repository": "evil.example/any", "tag": "latest"},
        network={"allowEgressTo": ["0.0.0.0/0"]},
        tools={"allow": ["shell"]},
        provider=PROVIDER,
    )
    secret = world.agent("secret", provider={**PROVIDER, "apiKeySecretRef": SECRET})
    assert world.runs(free, secret) == [True, False]


def test_what_has_nothing_of_a_kind_breaks_no_rule_on_it(world: World) -> None:
    world.universe(allowed={"tools": [], "secrets": [], "egress": [], "runtimeClasses": []})
    assert world.runs(world.agent(), world.session()) == [True, True]


def test_all_that_is_broken_is_told_at_once(world: World) -> None:
    world.universe(allowed={"images": ["a"], "tools": ["a"], "egress": []})
    agent = world.agent(
        tools={"allow": ["b", "c"]},
        network={"allowEgressTo": ["10.0.0.1"]},
        provider={**PROVIDER, "apiKeySecretRef": SECRET},
    )
    _, reason, message = world.condition(agent)
    assert reason == "ImageNotAllowed"
    for field in (
        "spec.image",
        "spec.tools.allow[0]",
        "spec.tools.allow[1]",
        "spec.provider.apiKeySecretRef.name",
        "spec.network.allowEgressTo[0]",
    ):
        assert field in message


def test_what_is_told_of_many_violations_fits_a_condition_and_counts_the_rest(
    world: World,
) -> None:
    world.universe(
        allowed={
            "images": [f"{'i' * 200}/{number}" for number in range(256)],
            "tools": [f"{'t' * 200}{number}" for number in range(256)],
            "egress": [f"{'e' * 60}.{'n' * 60}:{number}" for number in range(1, 257)],
        }
    )
    agent = world.agent(
        tools={"allow": [f"{'x' * 120}{number}" for number in range(256)]},
        network={"allowEgressTo": [f"10.0.0.0/8:{number}" for number in range(1, 257)]},
    )
    _, _, message = world.condition(agent)
    assert len(message) <= MESSAGE_SIZE_MAX
    told = message.count(" is not in allowed.")
    assert message.endswith(f"; and {1 + 256 + 256 - told} more")
    assert " and 246 more; " in message


@pytest.mark.parametrize(
    ("allowed", "wanted", "runs"),
    [
        (None, "gvisor", True),
        (["gvisor", "kata-*"], "gvisor", True),
        (["gvisor", "kata-*"], "kata-qemu", True),
        (["gvisor"], "gvisor-evil", False),
        ([], "gvisor", False),
        (["gvisor"], None, False),
        ([], None, True),
        (None, None, True),
    ],
)
def test_a_session_may_have_only_allowed_runtime_classes(
    world: World, allowed: list[str] | None, wanted: str | None, runs: bool
) -> None:
    world.universe(allowed={} if allowed is None else {"runtimeClasses": allowed})
    world.agent()
    session = world.session(runtimeClassName=wanted)
    assert world.runs(session) == [runs]
    if not runs:
        _, reason, message = world.condition(session)
        assert reason == "RuntimeClassNotAllowed"
        assert message.startswith(
            f"spec.runtimeClassName: {wanted or 'none'} is not in allowed.runtimeClasses"
        )


def test_a_session_that_runs_is_judged_by_the_agents_spec_it_started_with(world: World) -> None:
    world.universe()
    agent = world.agent(tools={"allow": ["shell"]})
    session = world.session()
    world.job(session, active=1)
    world.agent()
    assert world.runs(agent, session) == [True, True]
    world.universe(allowed={"tools": []})
    assert world.runs(agent, session) == [True, False]
    _, reason, message = world.condition(session)
    assert reason == "ToolNotAllowed"
    assert message.startswith("the agent's spec at the start.tools.allow[0]: shell")


def test_a_session_of_a_refused_agent_runs_once_the_agent_does(world: World) -> None:
    world.universe(allowed={"tools": []})
    agent, session = world.agent(tools={"allow": ["shell"]}), world.session()
    assert world.runs(agent, session) == [False, False]
    assert world.condition(session, "AgentReady")[:2] == ("False", "AgentRefused")
    world.universe(allowed={"tools": ["shell"]})
    assert world.runs(agent, session) == [True, True]
    world.check()


def test_an_agent_that_does_not_fit_its_spec_is_not_judged_and_says_so(world: World) -> None:
    world.universe(allowed={"tools": []})
    agent = world.agent(role="boss", image=IMAGE)
    assert world.condition(agent)[:2] == ("False", "Invalid")
    assert "Judged" not in [kind for kind, _ in world.told()]


@pytest.mark.parametrize(
    ("spec", "field", "name"),
    [
        (
            {"role": "manager", "manages": ["a"], "permissions": {"canAssignTasks": True}},
            "spec.permissions.canAssignTasks",
            "canAssignTasks",
        ),
        ({"serviceAccountToken": True}, "spec.serviceAccountToken", "serviceAccountToken"),
    ],
)
def test_an_agent_may_have_only_allowed_permissions(
    world: World, spec: dict[str, Any], field: str, name: str
) -> None:
    world.universe(allowed={"permissions": ["canManageTeam"]})
    agent = world.agent(**spec)
    _, reason, message = world.condition(agent)
    assert reason == "PermissionNotAllowed"
    assert message.startswith(f"{field}: true is not in allowed.permissions of universe main")
    world.universe(allowed={"permissions": [name]})
    assert world.runs(agent) == [True]
    world.universe()
    assert world.runs(agent) == [True]
