"""The operator's settings: the defaults that the product promises, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs.config import load_config
from rynxs.documents import dump_documents
from rynxs.errors import ConfigError
from rynxs.fields import seconds_of
from rynxs.plugins import PluginManager
from rynxs.settings import LeaderElection, OperatorSettings

if TYPE_CHECKING:
    from pathlib import Path

ELECTION = {"leaseDuration": "15s", "renewDeadline": "10s", "retryPeriod": "2s"}


def load(tmp_path: Path, operator: dict[str, Any]) -> OperatorSettings:
    file = tmp_path / "rynxs.yaml"
    file.write_text(dump_documents([{"operator": operator}]))
    return load_config(file, PluginManager()).operator


def test_without_settings_there_is_one_replica_for_all_namespaces() -> None:
    found = OperatorSettings()
    assert found.namespaces == []
    assert not found.leader_election.enabled
    assert found.webhook is None
    assert seconds_of(found.checkpoint_every) == 60
    assert (found.http.host, found.http.port) == ("127.0.0.1", 8080)


def test_the_terms_of_an_election_are_those_of_the_readme(tmp_path: Path) -> None:
    found = load(tmp_path, {"leaderElection": {"enabled": True}}).leader_election
    assert found == LeaderElection.model_validate({"enabled": True, **ELECTION})
    terms = found.lease_duration, found.renew_deadline, found.retry_period
    assert [seconds_of(each) for each in terms] == [15, 10, 2]
    assert (found.name, found.namespace) == ("rynxs", None)


@pytest.mark.parametrize(
    "terms",
    [
        {"renewDeadline": "15s"},
        {"renewDeadline": "1m"},
        {"retryPeriod": "10s"},
        {"retryPeriod": "20s"},
        {"leaseDuration": "5s"},
    ],
)
def test_terms_that_are_not_in_order_are_refused_with_all_three(
    tmp_path: Path, terms: dict[str, str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {"leaderElection": terms})
    message = str(caught.value)
    assert "operator.leaderElection" in message
    assert "retryPeriod < renewDeadline < leaseDuration" in message
    asked = ELECTION | terms
    shown = f"{asked['retryPeriod']}, {asked['renewDeadline']}, {asked['leaseDuration']}"
    assert f"found is {shown}" in message


@pytest.mark.parametrize(
    ("operator", "problem"),
    [
        ({"concurrency": 0}, r"operator\.concurrency: found 0"),
        ({"concurrency": 257}, r"operator\.concurrency: found 257"),
        ({"concurrency": "16"}, r"operator\.concurrency: found '16'"),
        ({"queue": 0}, r"operator\.queue: found 0"),
        ({"batch": 1_001}, r"operator\.batch: found 1001"),
        ({"checkpointEvery": "0s"}, r"operator\.checkpointEvery: found '0s'; not between"),
        ({"checkpointEvery": 60}, r"operator\.checkpointEvery: found 60"),
        ({"namespaces": ["Team"]}, r"operator\.namespaces\[0\]: found 'Team'"),
        ({"http": {"port": 65_536}}, r"operator\.http\.port: found 65536"),
        ({"webhook": {"key": "k"}}, r"operator\.webhook\.certificate"),
        ({"webhook": {"certificate": "", "key": "k"}}, r"operator\.webhook\.certificate"),
        ({"leaderElection": {"leaseDuration": "15"}}, r"leaderElection\.leaseDuration: found '15'"),
        ({"leaderElection": {"name": "a b"}}, r"leaderElection\.name: found 'a b'"),
        ({"leaderElction": {}}, r"leaderElction: unknown field.*did you mean 'leaderElection'"),
    ],
)
def test_a_setting_that_is_not_allowed_is_refused_by_name(
    tmp_path: Path, operator: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        load(tmp_path, operator)
