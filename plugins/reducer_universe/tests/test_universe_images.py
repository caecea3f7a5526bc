"""Which images a pattern of allowed.images allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs_reducer_universe.matching import covers_image

DIGEST = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"
ACME = "ghcr.io/acme/agent"


def allowed(pattern: str, repository: str, tag: str) -> bool:
    return covers_image(pattern, {"repository": repository, "tag": tag})


@pytest.mark.parametrize("tag", ["v1", f"v1@{DIGEST}", DIGEST, f"@{DIGEST}"])
@pytest.mark.parametrize(
    ("pattern", "repository", "covered"),
    [
        (ACME, ACME, True),
        (ACME, f"{ACME}-evil", False),
        (ACME, f"{ACME}/evil", False),
        (ACME, "ghcr.io/acme/agen", False),
        (ACME, "evil.example/ghcr.io/acme/agent", False),
        (ACME, "acme/agent", False),
        ("ghcr.io/acme", "ghcr.io/acme-evil", False),
        ("ghcr.io/acme", ACME, False),
        ("ghcr.io/acme/*", ACME, True),
        ("ghcr.io/acme/*", "ghcr.io/acme/team/agent", True),
        ("ghcr.io/acme/*", "ghcr.io/acme", False),
        ("ghcr.io/acme/*", "ghcr.io/acme-evil/agent", False),
        ("ghcr.io/acme/*", "ghcr.io.evil.example/acme/agent", False),
        ("ghcr.io/acme*", "ghcr.io/acme-two/agent", True),
        ("registry:5000/acme/*", "registry:5000/acme/agent", True),
        ("registry:5000/acme/*", "registry:5001/acme/agent", False),
        ("registry:5000/acme/*", "registry/acme/agent", False),
        ("*", "evil.example/anything", True),
        ("agent", "agent", True),
        ("agent", "library/agent", False),
        ("agent", "docker.io/library/agent", False),
    ],
)
def test_a_pattern_without_tag_allows_every_tag_of_its_repositories(
    pattern: str, repository: str, tag: str, covered: bool
) -> None:
    assert allowed(pattern, repository, tag) is covered


@pytest.mark.parametrize(
    ("pattern", "repository"),
    [
        ("ghcr.io*", "ghcr.io.evil.example/agent"),
        ("ghcr.io*", "ghcr.io/acme/agent"),
        ("acme*", "acme.evil.example/agent"),
        ("10.0.0.1*", "10.0.0.10:5000/agent"),
        ("a*", "a:5000/agent"),
    ],
)
def test_a_prefix_of_a_name_does_not_reach_into_a_registry_of_a_like_name(
    pattern: str, repository: str
) -> None:
    assert not allowed(pattern, repository, "v1")
    assert allowed(pattern, pattern.replace("*", "-tool"), "v1")


@pytest.mark.parametrize(
    ("pattern", "repository", "tag", "covered"),
    [
        (f"{ACME}:v1", ACME, "v1", True),
        (f"{ACME}:v1", ACME, "v10", False),
        (f"{ACME}:v1", ACME, "V1", False),
        (f"{ACME}:v1", f"{ACME}-evil", "v1", False),
        (f"{ACME}:v1*", ACME, "v10", True),
        (f"{ACME}:v1*", ACME, "v2", False),
        (f"{ACME}:*", ACME, "anything", True),
        (f"{ACME}:V1.x_y-z", ACME, "V1.x_y-z", True),
        ("registry:5000/agent:v1", "registry:5000/agent", "v1", True),
        ("registry:5000/agent:v1", "registry:5000/agent", "v2", False),
        ("agent:5*", "agent", "5.1", True),
    ],
)
def test_a_pattern_with_a_tag_allows_that_tag(
    pattern: str, repository: str, tag: str, covered: bool
) -> None:
    assert allowed(pattern, repository, tag) is covered


@pytest.mark.parametrize("pattern", [f"{ACME}:v1", f"{ACME}:v1*", f"{ACME}:*"])
@pytest.mark.parametrize("tag", [f"v1@{DIGEST}", DIGEST, f"@{DIGEST}"])
def test_a_tag_does_not_vouch_for_the_digest_beside_it(pattern: str, tag: str) -> None:
    assert not allowed(pattern, ACME, tag)


@pytest.mark.parametrize("pattern", ["agent:5*", "agent:5000", "agent:*", "agent:5000*"])
def test_a_tag_is_not_the_port_of_a_registry(pattern: str) -> None:
    for tag in ("v1", DIGEST):
        assert not allowed(pattern, "agent:5000/evil", tag)
        assert not allowed(pattern, "agent:5000", tag)


@pytest.mark.parametrize(
    ("pattern", "tag", "covered"),
    [
        (f"{ACME}@{DIGEST}", f"v1@{DIGEST}", True),
        (f"{ACME}@{DIGEST}", DIGEST, True),
        (f"{ACME}@{DIGEST}", f"@{DIGEST}", True),
        (f"{ACME}@{DIGEST}", f"v1@{OTHER}", False),
        (f"{ACME}@{DIGEST}", "v1", False),
        (f"{ACME}@sha256:*", f"v1@{OTHER}", True),
        (f"{ACME}@sha256:*", OTHER, True),
        (f"{ACME}@sha256:*", "v1", False),
        ("ghcr.io/acme/*@sha256:*", OTHER, True),
        ("ghcr.io/acme/*@sha256:*", "v1", False),
        ("ghcr.io/other/*@sha256:*", OTHER, False),
        ("@sha256:*", OTHER, True),
        ("*@sha256:*", f"v1@{OTHER}", True),
        ("*@sha256:*", "latest", False),
        (f"@{DIGEST}", DIGEST, True),
        (f"@{DIGEST}", OTHER, False),
        (f"{ACME}:v1@{DIGEST}", f"v1@{DIGEST}", True),
        (f"{ACME}:v1@{DIGEST}", f"v2@{DIGEST}", False),
        (f"{ACME}:v1@{DIGEST}", f"v1@{OTHER}", False),
        (f"{ACME}:v1@{DIGEST}", DIGEST, False),
        (f"{ACME}:v1@sha256:*", f"v1@{OTHER}", True),
        (f"{ACME}:v1@sha256:*", "v1", False),
    ],
)
def test_a_pattern_with_a_digest_allows_only_images_that_are_pinned_to_it(
    pattern: str, tag: str, covered: bool
) -> None:
    assert allowed(pattern, ACME, tag) is covered


PARTS = st.from_regex(r"[a-c]{1,3}([.-][a-c])?", fullmatch=True)
REPOSITORIES = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
TAGS = st.sampled_from(["v1", f"v1@{DIGEST}", DIGEST])


@given(REPOSITORIES, REPOSITORIES, TAGS)
def test_an_exact_pattern_allows_its_own_repository_and_no_other(
    pattern: str, repository: str, tag: str
) -> None:
    assert allowed(pattern, repository, tag) is (pattern == repository)


@given(REPOSITORIES, REPOSITORIES, TAGS)
def test_a_folder_allows_exactly_what_is_in_it(folder: str, repository: str, tag: str) -> None:
    parts, inner = folder.split("/"), repository.split("/")
    is_in_it = len(inner) > len(parts) and inner[: len(parts)] == parts
    assert allowed(f"{folder}/*", repository, tag) is is_in_it
