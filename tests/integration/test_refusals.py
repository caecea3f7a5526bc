"""What an auditor is told of who was refused, by ``rynxs replay`` and ``rynxs log why``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Cli

LOG = ("--log", "file:log")
WORKER = "universe.ai/Agent/default/worker"
PICKY = "universe.ai/Agent/default/picky"
REPLICAS = "Deployment.spec.replicas"
SENTENCE = "spec.image: example.org/agent, tag v1 is not in allowed.images of universe rules"
MONTHS = [f"fixed:2026-0{month}-01T00:00:00Z" for month in range(1, 7)]


def universe(images: str) -> dict[str, Any]:
    return {
        "apiVersion": "universe.ai/v1alpha1",
        "kind": "Universe",
        "metadata": {"name": "rules"},
        "spec": {"namespaces": ["default"], "allowed": {"images": [images]}},
    }


@pytest.fixture
def logged(cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]) -> None:
    """Worker 1, 2; rules 4 refuse it: 5 judged, 6 planned; rules 8 allow it: 9 judged, 10."""
    manifests = (agent(), universe("elsewhere.example/*"), universe("example.org/*"))
    for month, manifest in zip(MONTHS, manifests, strict=False):
        assert cli("run", write("m.yaml", manifest), *LOG, "--clock", month).status == 0


def kinds(cli: Cli) -> list[str]:
    return [each["kind"] for each in cli("log", "list", *LOG, "--json").json()["records"]]


def test_a_moment_shows_the_conditions_in_force(cli: Cli, logged: None) -> None:
    assert kinds(cli)[4:7] == ["UniverseObserved", "Judged", "Planned"]
    subjects = cli("replay", *LOG, "--at", 6, "--json").json()["subjects"]
    (condition,) = subjects[0]["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "ImageNotAllowed")
    assert subjects[0]["slice"]["conditions"][0]["status"] == "True"  # its own is another
    shown = cli("replay", *LOG, "--at", 6).out
    head = f"{WORKER} Accepted=False (ImageNotAllowed)\n    {SENTENCE}"
    assert head in shown
    assert "Accepted=False" not in cli("replay", *LOG).out


def test_a_difference_shows_a_verdict_with_its_subject(cli: Cli, logged: None) -> None:
    found = cli("replay", *LOG, "--diff", 2, 6, "--json").json()["subjects"]
    assert [each["subject"] for each in found] == [WORKER, "universe.ai/Universe/rules"]
    (verdict,) = found[0]["verdict"]
    assert (verdict["path"], verdict["after"]["refused"]) == ("verdict", True)
    assert [each["seq"] for each in found[0]["events"]] == [4, 5, 6]
    shown = cli("replay", *LOG, "--diff", 2, 6, "--subject", WORKER).out
    assert "verdict: (absent) -> refused" in shown
    assert f"    Accepted=False (ImageNotAllowed)\n        {SENTENCE}" in shown
    assert "AgentVerdict" not in shown
    lifted = cli("replay", *LOG, "--diff", 6, 10, "--subject", WORKER, "--json").json()
    changes = {each["path"]: each for each in lifted["subjects"][0]["verdict"]}
    assert (changes["verdict.refused"]["before"], changes["verdict.refused"]["after"]) == (1, 0)
    assert "verdict.refused: True -> False" in cli("replay", *LOG, "--diff", 6, 10).out


@pytest.mark.parametrize(
    ("field", "named"),
    [
        ((), "conditions.Accepted"),
        (("conditions.Accepted",), "conditions.Accepted"),
        (("verdict.refused",), "verdict.refused"),
    ],
)
def test_why_goes_from_the_refusal_to_the_universe_and_who_asked_for_it(
    cli: Cli, logged: None, field: tuple[str, ...], named: str
) -> None:
    why = cli("log", "why", WORKER, *field, *LOG, "--at", 6, "--json").json()
    assert why["field"] == named
    judged, observed = why["causes"]
    assert (judged["seq"], judged["kind"], judged["subject"]) == (5, "Judged", WORKER)
    assert (observed["seq"], observed["kind"]) == (4, "UniverseObserved")
    assert observed["actor"] == "fixed (unverified)"
    assert why["refused"]["reason"] == "ImageNotAllowed"
    assert (why["refused"]["since"], why["refused"]["byVerdict"]) == (5, True)
    shown = cli("log", "why", WORKER, *field, *LOG, "--at", 6).out
    head = f"{WORKER} is refused since record 5: Accepted=False (ImageNotAllowed)"
    assert f"{head}\n    {SENTENCE}" in shown


def test_why_of_what_a_refusal_took_away_says_so(cli: Cli, logged: None) -> None:
    why = cli("log", "why", WORKER, REPLICAS, *LOG, "--at", 6, "--json").json()
    assert "value" not in why
    assert [cause["seq"] for cause in why["causes"]] == [6, 5, 4]
    assert why["refused"]["since"] == 5
    assert cli("log", "why", WORKER, REPLICAS, *LOG, "--json").json()["refused"] is None


def test_why_of_what_was_never_there_says_who_refuses_it(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]
) -> None:
    file = write("m.yaml", universe("elsewhere.example/*"), agent())
    assert cli("run", file, *LOG).status == 0
    done = cli("log", "why", WORKER, REPLICAS, *LOG)
    assert done.status == 2
    assert f"has no field '{REPLICAS}'" in done.err
    assert "is refused since record 3: Accepted=False (ImageNotAllowed)" in done.err
    assert SENTENCE in done.err


def test_why_of_who_is_not_refused_asks_for_a_field(cli: Cli, logged: None) -> None:
    done = cli("log", "why", WORKER, *LOG)
    assert done.status == 2
    assert f"{WORKER} is not refused; name a FIELD" in done.err
    accepted = cli("log", "why", WORKER, "conditions.Accepted", *LOG)
    assert "conditions.Accepted = True (Valid)\nsince record 9" in accepted.out


def test_what_an_object_refuses_itself_goes_back_to_its_observation(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]
) -> None:
    manifest = agent("picky", network={"allowEgressTo": ["www.example.org"]})
    assert cli("run", write("m.yaml", manifest), *LOG).status == 0
    why = cli("log", "why", PICKY, *LOG, "--json").json()
    assert (why["refused"]["since"], why["refused"]["byVerdict"]) == (1, False)
    assert why["refused"]["reason"] == "Unsupported"
    assert [cause["kind"] for cause in why["causes"]] == ["AgentObserved"]
    assert f"{PICKY} Accepted=False (Unsupported)" in cli("replay", *LOG).out


def test_a_check_counts_verdicts_apart_from_plans(cli: Cli, logged: None) -> None:
    checked = cli("replay", *LOG, "--check", "--json").json()
    assert (checked["plansCompared"], checked["verdictsCompared"]) == (3, 2)
    told = "plans: 3 recomputed, verdicts: 2 recomputed, all as recorded"
    assert told in cli("replay", *LOG, "--check").out
    unchecked = cli("replay", *LOG, "--json").json()
    assert (unchecked["plansCompared"], unchecked["verdictsCompared"]) == (None, None)


def test_erased_plans_and_verdicts_are_counted_apart_too(
    cli: Cli,
    logged: None,
    write: Callable[..., Path],
    agent: Callable[..., dict[str, Any]],
) -> None:
    for tag in ("v1", "v2"):
        manifest = agent(image={"repository": "elsewhere.example/agent", "tag": tag})
        assert cli("run", write("m.yaml", manifest), *LOG).status == 0
    made = kinds(cli)
    assert cli("log", "redact", 1, "--reason", "a name", *LOG).status == 0
    checked = cli("replay", *LOG, "--check", "--json").json()
    # The first verdict that is not erased is made with the one before it, which is.
    assert (checked["redacted"], checked["redactedVerdicts"]) == ([2, 6, 10], [5, 9, 13])
    compared = checked["plansCompared"], checked["verdictsCompared"]
    assert compared == (made.count("Planned") - 3, made.count("Judged") - 3) == (2, 1)
    shown = cli("replay", *LOG, "--check").out
    assert "not compared: 3 plans, records 2, 6, 10; what they were made of is redacted" in shown
    assert "not compared: 3 verdicts, records 5, 9, 13; what they were made of is redacted" in shown


def test_under_an_erased_verdict_nobody_is_told_to_be_accepted(
    cli: Cli,
    logged: None,
    write: Callable[..., Path],
    agent: Callable[..., dict[str, Any]],
) -> None:
    manifest = agent(image={"repository": "elsewhere.example/agent", "tag": "v1"})
    assert cli("run", write("m.yaml", manifest), *LOG).status == 0
    assert cli("log", "redact", 1, "--reason", "a name", *LOG).status == 0
    done = cli("log", "why", WORKER, *LOG, "--at", 6)
    assert done.status == 2
    assert f"conditions of {WORKER}: not known since record" in done.err
    (subject,) = cli("replay", *LOG, "--at", 6, "--subject", WORKER, "--json").json()["subjects"]
    assert subject["conditions"] is None


def test_each_plan_is_counted_once_when_the_composition_has_grown(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "c.yaml").write_text("plugins: {reducers: [agent]}\n")
    file = write("m.yaml", agent())
    assert cli("run", file, *LOG, "--config", "c.yaml").status == 0
    assert cli("run", write("m.yaml", agent(suspend=True)), *LOG).status == 0
    checked = cli("replay", *LOG, "--check", "--json").json()
    assert checked["plansCompared"] == kinds(cli).count("Planned") == 3
    assert checked["incomparable"] == []
