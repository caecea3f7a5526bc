"""What a pod is told: it is read exactly, and what is wrong is told without the values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from rynxs_agent.environment import SessionPlace, take_environment
from rynxs_agent.errors import ConfigurationError
from rynxs_agent.secret import Secret
from rynxs_agent.settings import Settings, read_settings
from rynxs_agent.spec import Health, read_spec

if TYPE_CHECKING:
    from pathlib import Path

PROVIDER = {"kind": "openai", "baseUrl": "http://models:8080/v1", "model": "llama"}


def spec_file(tmp_path: Path, document: Any) -> Path:
    path = tmp_path / "spec.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_what_is_not_stated_is_not_there(tmp_path: Path) -> None:
    spec = read_spec(spec_file(tmp_path, {"role": "worker"}))
    assert (spec.team, spec.provider, spec.image.health) == (None, None, None)
    assert (spec.tools.allow, spec.network.allow_egress_to) == ((), ())


def test_members_of_a_later_rynxs_are_left_alone(tmp_path: Path) -> None:
    document = {
        "role": "worker",
        "later": {"more": 1},
        "provider": {**PROVIDER, "apiKeySecretRef": {"name": "a", "key": "b"}},
        "image": {"repository": "a", "tag": "b", "health": {"path": "/up", "port": 9, "x": 1}},
    }
    spec = read_spec(spec_file(tmp_path, document))
    assert spec.image.health == Health(path="/up", port=9)
    assert spec.provider
    assert spec.provider.base_url == PROVIDER["baseUrl"]


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("", "the spec is not acceptable: Invalid JSON"),
        ("[" * 100_000, "the spec is not acceptable: Invalid JSON"),
        ({}, "the spec is not acceptable: role: Field required"),
        ({"role": 1}, "role: Input should be a valid string"),
        ({"role": "worker", "tools": {"allow": "files"}}, "tools.allow: Input should be a valid"),
        ({"role": "worker", "provider": {"kind": "openai"}}, "provider.baseUrl: Field required"),
        (
            {"role": "worker", "provider": {**PROVIDER, "baseUrl": "file:///secret"}},
            "provider.baseUrl: String should match",
        ),
        (
            {"role": "worker", "image": {"health": {"path": "/", "port": "80"}}},
            "image.health.port: Input should be a valid integer",
        ),
        (" " * (1024 * 1024 + 1), "the spec is larger than 1 MiB"),
    ],
)
def test_a_spec_that_is_not_as_rynxs_renders_it_is_refused(
    tmp_path: Path, document: Any, problem: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_spec(spec_file(tmp_path, document))
    assert problem in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_spec_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the spec can't be read: No such file"):
        read_spec(tmp_path / "spec.json")


def test_the_environment_is_taken_and_the_key_is_not_left_in_it() -> None:
    variables = {
        "RYNXS_AGENT_SPEC": "/etc/rynxs/spec.json",
        "RYNXS_WORKSPACE": "/workspace",
        "RYNXS_PROVIDER_API_KEY": " sk-key\n",
        "RYNXS_SESSION": "monday",
        "RYNXS_SESSION_INPUT": "/etc/rynxs-session/input.txt",
    }
    environment = take_environment(variables)
    assert environment.api_key.reveal() == "sk-key"
    assert "RYNXS_PROVIDER_API_KEY" not in variables
    assert environment.session
    assert (environment.session.name, str(environment.session.input)) == (
        "monday",
        "/etc/rynxs-session/input.txt",
    )
    assert take_environment(variables).api_key.reveal() == ""


@pytest.mark.parametrize("missing", ["RYNXS_AGENT_SPEC", "RYNXS_WORKSPACE", "RYNXS_SESSION_INPUT"])
def test_what_rynxs_sets_must_be_there(missing: str) -> None:
    variables = dict.fromkeys(
        ("RYNXS_AGENT_SPEC", "RYNXS_WORKSPACE", "RYNXS_SESSION", "RYNXS_SESSION_INPUT"), "/a"
    )
    with pytest.raises(ConfigurationError, match=f"{missing} is not set"):
        take_environment({**variables, missing: ""})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b" \n", "the input is empty"),
        (b"\xff", "the input is not UTF-8 text"),
        (b"a" * (1024 * 1024 + 1), "the input is larger than 1 MiB"),
    ],
)
def test_an_input_that_is_none_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "input.txt"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=problem):
        SessionPlace("monday", path).read_input()


def test_an_input_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the input can't be read: No such file"):
        SessionPlace("monday", tmp_path / "input.txt").read_input()


def test_a_secret_shows_nowhere() -> None:
    secret = Secret("sk-secret")
    assert "sk-secret" not in f"{secret} {secret!r} {[secret]} {vars(secret).keys()}"
    assert secret.hidden_in("Bearer sk-secret, sk-secret!") == "Bearer ***, ***!"


@pytest.mark.parametrize("value", ["two\nlines", "kéy", "a b", "\x7f"])
def test_a_key_that_no_header_takes_is_refused_and_not_told(value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Secret(value)
    assert value not in str(caught.value)


def test_settings_are_read_from_the_environment() -> None:
    settings = read_settings(
        {
            "RYNXS_RUNTIME_STEPS": "7",
            "RYNXS_RUNTIME_LOG_CONTENT": "true",
            "RYNXS_RUNTIME_TIME_LIMIT_S": "1.5",
            "OTHER": "x",
        }
    )
    assert settings == Settings(steps=7, log_content=True, time_limit_s=1.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [("STEPS", "0"), ("STEPS", "many"), ("TASK_PORT", "70000"), ("STEP", "1"), ("TOKENS", "-1")],
)
def test_a_setting_that_is_not_acceptable_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^RYNXS_RUNTIME_{name}: ") as caught:
        read_settings({f"RYNXS_RUNTIME_{name}": value})
    assert "many" not in str(caught.value)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().steps = 1  # type: ignore[misc]
