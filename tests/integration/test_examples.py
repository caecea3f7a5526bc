"""The examples render what is written down in tests/golden."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.golden.examples import CASES, GOLDEN, REPOSITORY, rendered

if TYPE_CHECKING:
    from tests.conftest import Cli


@pytest.mark.parametrize("name", CASES)
def test_an_example_renders_its_golden_manifests_and_statuses(name: str) -> None:
    for suffix, content in rendered(CASES[name]).items():
        golden = (GOLDEN / f"{name}.{suffix}").read_text()
        assert content == golden, "if it is meant to, run: python -m tests.golden.examples"


def test_every_example_is_a_golden_case() -> None:
    named = {file for case in CASES.values() for file in case.files}
    assert named == {path.name for path in (REPOSITORY / "examples").iterdir()}


def test_all_examples_run_together_and_replay(cli: Cli) -> None:
    done = cli("run", REPOSITORY / "examples", "--log", "file:log", "--json")
    assert done.status == 0, done.err
    kinds = {subject["subject"].split("/")[1] for subject in done.json()["subjects"]}
    assert kinds == {"Agent", "Session", "Universe"}
    assert cli("replay", "--check", "--log", "file:log").status == 0


def test_a_violation_names_its_rule_and_its_field(cli: Cli) -> None:
    done = cli("run", REPOSITORY / "examples/violation.yaml", "--log", "file:log")
    assert "careless Accepted=False (ImageNotAllowed)" in done.out
    for field, rule in (
        ("spec.image", "allowed.images"),
        ("spec.tools.allow[1]", "allowed.tools"),
        ("spec.provider.apiKeySecretRef.name", "allowed.secrets"),
        ("spec.network.allowEgressTo[0]", "allowed.egress"),
    ):
        (line,) = [line for line in done.out.splitlines() if line.strip().startswith(field)]
        assert "universe payments" in line
        assert rule in line
    assert "agent-careless" not in done.out
    assert "apps/v1/Deployment/payments/agent-careful" in done.out
