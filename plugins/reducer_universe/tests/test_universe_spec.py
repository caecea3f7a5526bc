"""The spec of a Universe: what fits it, and which namespaces and names its patterns stand for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rynxs.fields import covers
from rynxs_reducer_universe.governing import Universe
from rynxs_reducer_universe.matching import overlap
from rynxs_reducer_universe.model import UniverseSpec, UniverseStatus

DIGEST = f"sha256:{'a' * 64}"


def is_valid(**spec: Any) -> bool:
    try:
        UniverseSpec.model_validate({"namespaces": ["team-*"], **spec})
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({}, True),
        ({"namespaces": []}, False),
        ({"namespaces": ["Team"]}, False),
        ({"namespaces": ["*-team"]}, False),
        ({"namespaces": ["a*b"]}, False),
        ({"namespaces": ["*"]}, True),
        ({"allowed": {"images": []}}, True),
        ({"allowed": {"images": ["*", "@sha256:*", "ghcr.io/acme/*@sha256:*"]}}, True),
        ({"allowed": {"images": [f"localhost:5000/a:v1@{DIGEST}", f"a@{DIGEST}"]}}, True),
        ({"allowed": {"images": [""]}}, False),
        ({"allowed": {"images": ["a*b"]}}, False),
        ({"allowed": {"images": ["Ghcr.io/acme"]}}, False),
        ({"allowed": {"images": ["a@sha256:abc"]}}, False),
        ({"allowed": {"images": ["a@sha512:*"]}}, False),
        ({"allowed": {"tools": ["files*", "*"]}}, True),
        ({"allowed": {"tools": ["*files"]}}, False),
        ({"allowed": {"secrets": ["team-*"]}}, True),
        ({"allowed": {"secrets": None}}, False),
        ({"allowed": {"egress": ["*.inference:8080", "10.0.0.0/8", "api.example.com"]}}, True),
        ({"allowed": {"egress": ["*.a.b"]}}, False),
        ({"allowed": {"egress": ["*.inference:99999"]}}, False),
        ({"allowed": {"runtimeClasses": ["gvisor", "kata-*"]}}, True),
        ({"allowed": {"volumes": []}}, False),
        ({"quotas": {"agents": 0, "sessions": 1, "cpu": "500m", "memory": "1Gi"}}, True),
        ({"quotas": {"agents": -1}}, False),
        ({"quotas": {"cpu": "lots"}}, False),
        ({"quotas": {"gpu": 1}}, False),
        ({"defaults": {"storageClassName": ""}}, False),
        ({"defaults": {"resources": {"requests": {"cpu": 2}, "limits": {"cpu": 1}}}}, False),
        ({"suspend": "yes"}, False),
    ],
)
def test_the_spec_is_checked_field_by_field(change: dict[str, Any], valid: bool) -> None:
    assert is_valid(**change) is valid


@pytest.mark.parametrize(
    ("patterns", "namespace", "governed"),
    [
        (["team-a"], "team-a", True),
        (["team-a"], "team-a-evil", False),
        (["team-*"], "team-a", True),
        (["team-*"], "team", False),
        (["team-*"], "my-team-a", False),
        (["lab", "team-*"], "lab", True),
        (["lab", "team-*"], "laboratory", False),
        (["*"], "anything", True),
    ],
)
def test_a_universe_governs_the_namespaces_that_it_names(
    patterns: list[str], namespace: str, governed: bool
) -> None:
    universe = Universe("universe.ai/Universe/main", {"namespaces": patterns})
    assert universe.governs(namespace) is governed


PATTERNS = st.from_regex(r"[ab]{0,3}\*?", fullmatch=True)
NAMES = [first + second + third for first in "ab" for second in "ab" for third in ("", "a", "b")]


@given(PATTERNS, PATTERNS)
def test_patterns_overlap_exactly_if_a_name_fits_both(one: str, other: str) -> None:
    names = {one.removesuffix("*"), other.removesuffix("*"), *NAMES}
    shared = any(covers(one, name) and covers(other, name) for name in names)
    assert overlap(one, other) is shared
    assert overlap(other, one) is shared


@pytest.mark.parametrize("model", [UniverseSpec, UniverseStatus])
def test_every_field_says_what_it_means(model: type[UniverseSpec | UniverseStatus]) -> None:
    schema = model.model_json_schema(by_alias=True)
    for part in (schema, *schema["$defs"].values()):
        for name, member in part["properties"].items():
            assert member.get("description"), name
