"""Which targets a pattern of allowed.egress allows."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs.fields import parse_egress
from rynxs_reducer_universe.matching import covers_egress, parse_egress_pattern


def allowed(pattern: str, target: str) -> bool:
    return covers_egress(pattern, parse_egress(target))


@pytest.mark.parametrize(
    ("pattern", "target", "covered"),
    [
        ("10.0.0.0/8", "10.0.0.0/8", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "10.128.0.0/9", True),
        ("10.0.0.0/8", "10.0.0.0/7", False),
        ("10.0.0.0/8", "11.0.0.0/8", False),
        ("10.0.0.0/8", "0.0.0.0/0", False),
        ("198.51.100.7", "198.51.100.7", True),
        ("198.51.100.7", "198.51.100.6/31", False),
        ("0.0.0.0/0", "198.51.100.7:443", True),
        ("2001:db8::/32", "2001:db8:1::/48", True),
        ("2001:db8::/32", "2001:db9::1", False),
        ("2001:DB8:0::/32", "2001:db8::1", True),
        ("::/0", "0.0.0.0/0", False),
        ("0.0.0.0/0", "::/0", False),
        ("::/0", "10.0.0.1", False),
    ],
)
def test_a_network_allows_what_lies_all_in_it(pattern: str, target: str, covered: bool) -> None:
    assert allowed(pattern, target) is covered


@pytest.mark.parametrize("target", ["::ffff:10.0.0.1", "::ffff:0:0/96", "::ffff:10.0.0.0/104"])
def test_ipv4_that_is_written_as_ipv6_is_not_allowed_by_what_allows_ipv6(target: str) -> None:
    assert not allowed("::/0", target)
    assert not allowed("::/16", target)
    assert not allowed("0.0.0.0/0", target)
    assert allowed("::ffff:0:0/96", target)


@pytest.mark.parametrize(
    ("pattern", "target", "covered"),
    [
        ("models.inference", "models.inference:8080", True),
        ("models.inference", "models.inference.svc.cluster.local", True),
        ("models.inference.svc", "models.inference", True),
        ("models.inference", "models.inference-evil", False),
        ("models.inference", "models2.inference", False),
        ("*.inference", "models.inference", True),
        ("*.inference", "models.inference:8080", True),
        ("*.inference", "models.inference.svc.cluster.local", True),
        ("*.inference.svc", "models.inference", True),
        ("*.inference", "models.inference-evil", False),
        ("*.inference", "models.evil", False),
        ("*.inference", "models.evil.inference", False),
        ("*.inference", "models.inference.", False),
        ("*.com", "api.example.com", False),
        ("0.0.0.0/0", "models.inference", False),
        ("models.inference", "10.0.0.1", False),
    ],
)
def test_a_service_is_allowed_by_its_name_or_its_whole_namespace(
    pattern: str, target: str, covered: bool
) -> None:
    assert allowed(pattern, target) is covered


@pytest.mark.parametrize(
    ("pattern", "target", "covered"),
    [
        ("api.example.com", "api.example.com", True),
        ("api.example.com", "API.Example.COM.", True),
        ("API.example.com.", "api.example.com:443", True),
        ("example.com.", "example.com.", True),
        ("example.com.", "api.example.com", False),
        ("api.example.com", "api.example.com.evil.example", False),
        ("api.example.com", "evil-api.example.com", False),
        ("api.example.com", "a.api.example.com", False),
        ("example.com.", "example.com", False),  # without the dot, a service in namespace com
        ("0.0.0.0/0", "api.example.com", False),
        ("*.inference", "localhost", False),
    ],
)
def test_a_host_name_is_allowed_by_itself_whatever_its_case_and_dot(
    pattern: str, target: str, covered: bool
) -> None:
    assert allowed(pattern, target) is covered


@pytest.mark.parametrize(
    ("pattern", "target"),
    [
        ("10.0.0.0/8", "10.0.0.1"),
        ("[2001:db8::/32]", "[2001:db8::1]"),
        ("models.inference", "models.inference"),
        ("*.inference", "models.inference"),
        ("api.example.com", "api.example.com"),
    ],
)
def test_a_port_allows_itself_only_and_no_port_allows_all(pattern: str, target: str) -> None:
    assert allowed(pattern, f"{target}:443")
    assert allowed(f"{pattern}:443", f"{target}:443")
    assert not allowed(f"{pattern}:443", f"{target}:4430")
    assert not allowed(f"{pattern}:443", target)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("*", "not an egress target"),
        ("*.", "one namespace is expected"),
        ("*.a.b", "one namespace is expected"),
        ("*.example.com.", "one namespace is expected"),
        ("*.*", "not an egress target"),
        ("mo*.inference", "not an egress target"),
        ("*.inference:0", "port 0"),
        ("*.inference:99999", "port 99999"),
        ("10.0.0.1/8", "host bits"),
    ],
)
def test_what_is_no_pattern_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_egress_pattern(text)


NETWORKS = st.builds(
    lambda address, size: ipaddress.ip_network((address, size), strict=False),
    st.sampled_from(["10.0.0.0", "10.255.0.1", "192.0.2.1"]),
    st.integers(0, 32),
)


@given(NETWORKS, NETWORKS)
def test_a_network_allows_another_if_it_holds_its_first_and_its_last_address(
    outer: ipaddress.IPv4Network, inner: ipaddress.IPv4Network
) -> None:
    holds = inner[0] in outer and inner[-1] in outer
    assert allowed(str(outer), str(inner)) is holds
