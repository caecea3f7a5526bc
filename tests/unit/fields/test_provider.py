"""Model providers: where they are, and never their key."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from rynxs.fields import Provider

PROVIDER = {"kind": "openai", "baseUrl": "https://models.example.org/v1", "model": "large"}
REFERENCE = {"name": "provider", "key": "api-key"}


def problem(value: Any) -> str:
    """Return what is wrong with a provider, empty when nothing is."""
    try:
        Provider.model_validate(value)
    except ValidationError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("url", "valid"),
    [
        ("http://m", True),
        ("http://m:80/v1", True),
        ("https://[2001:db8::1]:8443/v1", True),
        ("https://models.inference.svc/v1?region=eu", True),
        ("//m", False),
        ("m", False),
        ("ftp://m", False),
        ("file:///etc/passwd", False),
        ("HTTPS://m", True),
        ("http://", False),
        ("http://:80", False),
        ("http:///v1", False),
        ("http://m:0", False),
        ("http://m:99999", False),
        ("http://m:http", False),
        ("http://[2001:db8::1", False),
        ("http://m /v1", False),
        ("http://m\n", False),
        ("http://m/" + "a" * 2048, False),
        ("https://user@m", False),
        ("https://user:word@m", False),
        ("https://m/v1?api_key=0123456789", False),
    ],
)
def test_its_url_is_http_with_a_host_and_no_credential(url: str, valid: bool) -> None:
    assert (problem({**PROVIDER, "baseUrl": url}) == "") is valid


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({}, True),
        ({"apiKeySecretRef": REFERENCE}, True),
        ({"apiKeySecretRef": None}, True),
        ({"apiKeySecretRef": {"name": "provider"}}, False),
        ({"apiKeySecretRef": {**REFERENCE, "namespace": "other"}}, False),
        ({"apiKeySecretRef": {**REFERENCE, "name": "../other"}}, False),
        ({"apiKey": "0123456789"}, False),
        ({"kind": "Open AI"}, False),
        ({"model": ""}, False),
        ({"model": "sk-" + "a" * 20}, False),
    ],
)
def test_its_key_is_a_reference_to_a_secret_of_the_namespace(
    change: dict[str, Any], valid: bool
) -> None:
    assert (problem(PROVIDER | change) == "") is valid


@pytest.mark.parametrize("name", sorted(PROVIDER))
def test_all_but_the_key_is_required(name: str) -> None:
    less = {key: member for key, member in PROVIDER.items() if key != name}
    assert "Field required" in problem(less)
