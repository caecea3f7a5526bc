from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import AfterValidator, Field

from rynxs.config import Config, json_schema, load_config
from rynxs.documents import dump_documents
from rynxs.errors import ConfigError, ManifestError, PluginError
from rynxs.plugins import PluginManager
from rynxs.settings import ConfigModel, RawConfig
from rynxs.sources import fixed_sources


def load(tmp_path: Path, value: Any) -> Config:
    file = tmp_path / "rynxs.yaml"
    file.write_text(value if isinstance(value, str) else dump_documents([value]))
    return load_config(file, PluginManager())


def with_secret(name: str) -> dict[str, Any]:
    """Return settings with a name whose pattern follows a validator."""
    audit_log = {"url": "s3://log/", "credentialsSecret": name}
    return {"settings": {"reducers": {"agent": {"auditLog": audit_log}}}}


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    effective = load_config(None, PluginManager()).effective()
    assert effective["plugins"] == {
        "cosigners": [],
        "reducers": ["agent", "session", "universe"],
        "renderers": ["workload"],
        "signer": "ed25519",
        "sink": "file",
    }
    assert effective["settings"]["sink"]["path"] == "rynxs-log"


def test_the_file_in_the_working_directory_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rynxs.yaml").write_text("origin: log.example/one\n")
    assert load_config(None, PluginManager()).origin == "log.example/one"


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "# nothing\n").origin == RawConfig().origin


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"orign": "x"}, "orign: unknown field, .*did you mean 'origin'"),
        ({"origin": "has space"}, "origin: found 'has space'"),
        ({"origin": 5}, "origin: found 5; input should be a valid string"),
        ({"plugins": {"sinks": "file"}}, r"plugins\.sinks: unknown field.*did you mean 'sink'"),
        ({"plugins": {"reducers": "agent"}}, r"plugins\.reducers: found 'agent'.*list"),
        ({"plugins": {"reducers": ["agent", "agent"]}}, "a name stands twice"),
        ({"plugins": {"cosigners": ["mldsa44", "mldsa44"]}}, "a name stands twice"),
        (
            {"plugins": {"cosigners": ["mldsa44"]}, "settings": {"cosigners": {"mldsa4": {}}}},
            r"settings\.cosigners\.mldsa4: 'mldsa4' is not in .*did you mean 'mldsa44'",
        ),
        ({"settings": {"sinks": {}}}, r"settings\.sinks: unknown field"),
        (
            {"settings": {"renderers": {"worklod": {}}}},
            r"settings\.renderers\.worklod: 'worklod' is not in .*did you mean 'workload'",
        ),
        ("[]", "a configuration is one map"),
        ("a: 1\n---\nb: 2", "a configuration is one map"),
    ],
)
def test_a_wrong_key_or_value_is_refused_with_path_found_and_allowed(
    tmp_path: Path, value: Any, problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        load(tmp_path, value)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"sink": {"pth": "x"}}, r"settings\.sink\.pth: unknown field.*did you mean 'path'"),
        ({"sink": {"segmentBytes": 1}}, r"settings\.sink\.segmentBytes: found 1; .*4096"),
        ({"sink": {"segmentBytes": "64"}}, r"settings\.sink\.segmentBytes: found '64'"),
        ({"signer": {"keyFile": 1}}, r"settings\.signer\.keyFile: found 1"),
        (
            {"renderers": {"workload": {"runAsUser": 0}}},
            r"settings\.renderers\.workload\.runAsUser: found 0",
        ),
        (
            {"renderers": {"workload": {"dns": {"namespce": "x"}}}},
            r"workload\.dns\.namespce: unknown field.*did you mean 'namespace'",
        ),
        ({"reducers": {"agent": {"any": 1}}}, r"settings\.reducers\.agent\.any: unknown field"),
    ],
)
def test_a_plugins_own_settings_are_checked_by_its_model(
    tmp_path: Path, settings: Any, problem: str
) -> None:
    config = load(tmp_path, {"settings": settings})
    with pytest.raises(ConfigError, match=problem):
        config.effective()


def test_a_missing_or_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"missing\.yaml"):
        load_config(tmp_path / "missing.yaml", PluginManager())


def test_a_plugin_that_is_not_installed_is_named_with_those_that_are(tmp_path: Path) -> None:
    config = load(tmp_path, {"plugins": {"sink": "fil"}})
    with pytest.raises(PluginError, match=r"sink 'fil' is not installed; .*file.*; did"):
        config.open_reader()


def test_a_url_overrides_the_sink_and_keeps_its_other_settings(tmp_path: Path) -> None:
    config = load(tmp_path, {"settings": {"sink": {"path": "a", "segmentBytes": 8192}}})
    assert config.with_log("file:./b").effective()["settings"]["sink"] == {
        "path": "./b",
        "segmentBytes": 8192,
    }
    assert config.with_log("file:b?segmentBytes=5000").effective()["settings"]["sink"] == {
        "path": "b",
        "segmentBytes": 5000,
    }


@pytest.mark.parametrize(
    "url", ["", "no-scheme", ":x", "file:", "file:x?other=1", "file:x?segmentBytes=a"]
)
def test_a_url_that_names_no_log_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError):
        load(tmp_path, {}).with_log(url)


def test_without_a_signature_scheme_no_key_is_used(tmp_path: Path) -> None:
    config = load(tmp_path, {"plugins": {"signer": None}})
    assert config.signers(fixed_sources(0)) == []
    assert "signer" not in config.effective()["settings"]
    with pytest.raises(ConfigError, match=r"plugins\.signer is null"):
        config.signer_scheme()


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ({}, True),
        ({"settings": {"sink": {"path": "x"}, "renderers": {"workload": {"runAsUser": 7}}}}, True),
        ({"settings": {"sink": {"pth": "x"}}}, False),
        ({"settings": {"renderers": {"workload": {"runAsUser": 0}}}}, False),
        ({"plugins": {"sinks": "x"}}, False),
        ({"settings": {"cosigners": {"mldsa44": {"keyFile": "x"}}}}, False),
        (with_secret("log-reader"), True),
        (with_secret("Log_Reader"), False),
    ],
)
def test_the_schema_of_the_picked_plugins_judges_as_we_do(
    tmp_path: Path, value: Any, valid: bool
) -> None:
    schema = json_schema(load(tmp_path, {}))
    Draft202012Validator.check_schema(schema)
    json.dumps(schema)
    assert Draft202012Validator(schema).is_valid(value) is valid


def test_a_pattern_that_follows_a_validator_stands_in_the_schema(tmp_path: Path) -> None:
    schema = json_schema(load(tmp_path, {}))
    secret, null = schema["$defs"]["AuditLog"]["properties"]["credentialsSecret"]["anyOf"]
    assert secret["pattern"].startswith("^[a-z0-9]")
    assert null == {"type": "null"}


def test_a_plugin_with_a_setting_that_no_schema_describes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Settings(ConfigModel):
        name: Annotated[
            Annotated[str, Field(pattern="^a"), AfterValidator(str.strip)], Field(pattern="b$")
        ] = "ab"

    manager = PluginManager()
    odd = replace(manager.renderer("workload"), settings=Settings)
    monkeypatch.setattr(manager, "renderer", {"workload": odd}.__getitem__)
    file = tmp_path / "rynxs.yaml"
    file.write_text("{}")
    config = load_config(file, manager)
    assert config.effective()["settings"]["renderers"] == {"workload": {"name": "ab"}}
    with pytest.raises(PluginError, match=r"a setting without a JSON Schema: .*\^a.* is followed"):
        json_schema(config)


def test_every_setting_in_the_schema_says_what_it_means(tmp_path: Path) -> None:
    schema = json_schema(load(tmp_path, {}))
    for title, model in schema["$defs"].items():
        if title.endswith(("Settings", "Dns", "Picks")) and title != "Settings":
            for name, member in model.get("properties", {}).items():
                assert member.get("description"), f"{title}.{name}"


def with_keys(tmp_path: Path, *names: str) -> list[str]:
    """Make a key of each scheme, in a file of its name, and return the files."""
    manager, files = PluginManager(), []
    for name in names:
        private, _ = manager.signer(name).generate("log.example", bytes(32))
        file = tmp_path / f"{name}.key"
        file.write_text(private)
        file.chmod(0o600)
        files.append(str(file))
    return files


def test_the_signer_and_the_cosigners_all_sign(tmp_path: Path) -> None:
    first, second = with_keys(tmp_path, "ed25519", "mldsa44")
    picks = {"signer": "ed25519", "cosigners": ["mldsa44"]}
    settings = {"signer": {"keyFile": first}, "cosigners": {"mldsa44": {"keyFile": second}}}
    config = load(tmp_path, {"plugins": picks, "settings": settings})
    keys = config.signers(fixed_sources(0))
    assert [len(key.vkey) < 100 for key in keys] == [True, False]
    assert config.effective()["settings"]["cosigners"] == {"mldsa44": {"keyFile": second}}
    assert ("signer", "mldsa44") in config.picked()
    by_urls = load(tmp_path, {}).with_signers([f"ed25519:{first}", f"mldsa44:{second}"])
    assert [key.vkey for key in by_urls.signers(fixed_sources(0))] == [key.vkey for key in keys]
    assert by_urls.effective()["settings"]["cosigners"] == {"mldsa44": {"keyFile": second}}


def test_urls_of_signers_take_the_place_of_all_that_are_configured(tmp_path: Path) -> None:
    first, second = with_keys(tmp_path, "ed25519", "mldsa44")
    settings = {"cosigners": {"mldsa44": {"keyFile": second}}}
    picks = {"cosigners": ["mldsa44"]}
    config = load(tmp_path, {"plugins": picks, "settings": settings})
    chosen = config.with_signers([f"ed25519:{first}"])
    assert len(chosen.signers(fixed_sources(0))) == 1


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"signer": {"keyFile": "KEY"}}, r"settings\.cosigners\.ed25519: names no key"),
        ({"cosigners": {"ed25519": {"keyFile": "KEY"}}}, r"settings\.signer: names no key"),
    ],
)
def test_a_key_that_is_missing_where_several_are_to_sign_is_told(
    tmp_path: Path, settings: Any, path: str
) -> None:
    (file,) = with_keys(tmp_path, "ed25519")
    value = json.loads(json.dumps(settings).replace("KEY", file))
    config = load(tmp_path, {"plugins": {"cosigners": ["ed25519"]}, "settings": value})
    with pytest.raises(ConfigError, match=path):
        config.signers(fixed_sources(0))


def test_two_cosigners_of_one_scheme_are_refused(tmp_path: Path) -> None:
    config = load(tmp_path, {})
    with pytest.raises(ConfigError, match="c: a second cosigner of ed25519"):
        config.with_signers(["ed25519:a", "ed25519:b", "ed25519:c"])


def test_the_picked_schemes_come_first_and_then_all_that_are_installed(tmp_path: Path) -> None:
    names = [scheme.name for scheme in load(tmp_path, {}).signer_schemes()]
    assert names[0] == "ed25519"
    assert {"ed25519", "mldsa44"} <= set(names)
    assert len(names) == len(set(names))
    picked = load(tmp_path, {"plugins": {"signer": "mldsa44", "cosigners": ["ed25519"]}})
    assert [scheme.name for scheme in picked.signer_schemes()][:2] == ["mldsa44", "ed25519"]
