"""Kubeconfigs: who one is, for how long, and what is told of a file that can't be used."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.errors import ConfigError
from rynxs.operator.access import find_access

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2-hunter2"


def kubeconfig(current: str = "a", **tokens: str) -> dict[str, Any]:
    """Return a kubeconfig with a context, a cluster and a user for each token."""
    return {
        "clusters": [{"name": n, "cluster": {"server": f"https://{n}.test"}} for n in tokens],
        "users": [{"name": n, "user": {"token": token}} for n, token in tokens.items()],
        "contexts": [{"name": n, "context": {"cluster": n, "user": n}} for n in tokens],
        "current-context": current,
    }


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def token_of(access: Any) -> str:
    """Return what the client sends as its credentials now."""
    return str((await access.auth_settings())["BearerToken"]["value"])


def test_a_token_is_read_again_after_a_minute_and_the_context_stays(tmp_path: Path) -> None:
    file, clock = tmp_path / "config", Clock()

    async def work() -> None:
        file.write_text(json.dumps(kubeconfig(a="old", b="other")))
        access = await find_access(str(file), clock)
        assert (access.host, await token_of(access)) == ("https://a.test", "Bearer old")
        file.write_text(json.dumps(kubeconfig("b", a="new", b="other")))
        clock.now += 59
        assert await token_of(access) == "Bearer old"
        clock.now += 1
        assert (access.host, await token_of(access)) == ("https://a.test", "Bearer new")

    asyncio.run(work())


@pytest.mark.parametrize("content", ["", "{", json.dumps(kubeconfig(b="new"))])
def test_a_token_stays_when_its_file_can_not_be_read_again(tmp_path: Path, content: str) -> None:
    file, clock = tmp_path / "config", Clock()

    async def work() -> None:
        file.write_text(json.dumps(kubeconfig(a="old")))
        access = await find_access(str(file), clock)
        file.write_text(content)
        clock.now += 60
        assert await token_of(access) == "Bearer old"
        file.write_text(json.dumps(kubeconfig(a="new")))
        clock.now += 60
        assert await token_of(access) == "Bearer new"

    asyncio.run(work())


def test_a_token_that_a_program_gives_is_asked_for_again(tmp_path: Path) -> None:
    file, token, clock = tmp_path / "config", tmp_path / "token", Clock()
    program = tmp_path / "program"
    program.write_text(
        '#!/bin/sh\nprintf \'{"apiVersion": "client.authentication.k8s.io/v1", '
        f'"kind": "ExecCredential", "status": {{"token": "%s"}}}}\' "$(cat {token})"\n'
    )
    program.chmod(0o700)
    content = kubeconfig(a="")
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program)}
    content["users"] = [{"name": "a", "user": {"exec": plugin}}]

    async def work() -> None:
        file.write_text(json.dumps(content))
        token.write_text("old")
        access = await find_access(str(file), clock)
        token.write_text("new")
        assert await token_of(access) == "Bearer old"
        clock.now += 60
        assert await token_of(access) == "Bearer new"

    asyncio.run(work())


BROKEN = {
    "no such file": None,
    "not YAML": "a: [",
    "a list": "[]",
    "empty": "",
    "an unknown context": json.dumps(kubeconfig("c", a=SECRET)),
    "no users": json.dumps({**kubeconfig(a=SECRET), "users": "x"}),
    "a way to log in that is not whole": json.dumps(
        {
            **kubeconfig(a=SECRET),
            "users": [{"name": "a", "user": {"token": SECRET, "auth-provider": {"name": "oidc"}}}],
        }
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_kubeconfig_that_can_not_be_used_is_named_and_its_tokens_are_not(
    tmp_path: Path, name: str
) -> None:
    file, content = tmp_path / "config", BROKEN[name]
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError) as refused:
        asyncio.run(find_access(str(file), Clock()))
    assert str(refused.value).startswith(f"kubeconfig {file}: ")
    assert SECRET not in str(refused.value)
