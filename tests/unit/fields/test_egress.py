"""The grammar of egress targets."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rynxs.fields import EgressTarget, parse_egress

LABELS = st.from_regex(r"[a-z]([-a-z0-9]{0,10}[a-z0-9])?", fullmatch=True)
PORTS = st.none() | st.integers(1, 65_535)


def with_port(host: str, port: int | None) -> str:
    return host if port is None else f"{host}:{port}"


@pytest.mark.parametrize(
    ("target", "parsed"),
    [
        ("198.51.100.7", {"cidr": "198.51.100.7/32", "port": None}),
        ("198.51.100.7:443", {"cidr": "198.51.100.7/32", "port": 443}),
        ("0.0.0.0/0", {"cidr": "0.0.0.0/0", "port": None}),
        ("10.0.0.0/8:80", {"cidr": "10.0.0.0/8", "port": 80}),
        ("2001:db8::1", {"cidr": "2001:db8::1/128", "port": None}),
        ("2001:DB8:0::1", {"cidr": "2001:db8::1/128", "port": None}),
        ("[2001:db8::/32]:443", {"cidr": "2001:db8::/32", "port": 443}),
        ("[2001:db8::1]", {"cidr": "2001:db8::1/128", "port": None}),
        ("models.inference", {"namespace": "inference", "port": None, "service": "models"}),
        ("models.inference:8080", {"namespace": "inference", "port": 8080, "service": "models"}),
        ("models.inference.svc", {"namespace": "inference", "port": None, "service": "models"}),
        (
            "models.inference.svc.cluster.local:65535",
            {"namespace": "inference", "port": 65535, "service": "models"},
        ),
        ("api.example.com:443", {"host": "api.example.com", "port": 443}),
        ("example.com.", {"host": "example.com", "port": None}),
        ("API.Example.COM.:1", {"host": "api.example.com", "port": 1}),
        ("localhost", {"host": "localhost", "port": None}),
    ],
)
def test_a_target_is_an_address_a_service_or_a_host_name(
    target: str, parsed: dict[str, Any]
) -> None:
    assert parse_egress(target) == parsed


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("", "not an egress target"),
        ("*", "not an egress target"),
        ("*.inference", "not an egress target"),
        ("a..b.c", "not an egress target"),
        (".a.b.c", "not an egress target"),
        ("api.example.com..", "not an egress target"),
        ("-a.example.com", "not an egress target"),
        ("a_b.example.com", "not an egress target"),
        ("bücher.example.com", "not an egress target"),
        ("api.example.com\n", "not an egress target"),
        (" api.example.com", "not an egress target"),
        ("https://example.com/", "not an egress target"),
        ("api.example.com:http", "not an egress target"),
        ("api.example.com:\u0663", "not an egress target"),
        ("fe80::1%eth0", "not an egress target"),
        (f"{'a' * 64}.example.com", "not an egress target"),
        (".".join(["a" * 63] * 4), "not an egress target"),
        ("10.0.0", "not an address"),
        ("300.0.0.1", "not an address"),
        ("010.0.0.1", "not an address"),
        ("10.0.0.1/8", "host bits"),
        ("10.0.0.0/8:0", "port 0"),
        ("10.0.0.0/8:65536", "port 65536"),
    ],
)
def test_what_is_no_target_is_refused_with_a_reason(target: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_egress(target)


@given(st.text(max_size=40))
def test_any_text_is_one_of_the_three_or_refused(text: str) -> None:
    try:
        parsed = parse_egress(text)
    except ValueError:
        return
    assert set(parsed) in ({"cidr", "port"}, {"namespace", "port", "service"}, {"host", "port"})


@given(st.ip_addresses(v=4), st.integers(0, 32), PORTS)
def test_every_network_is_a_target_and_stays_what_it_is(
    address: ipaddress.IPv4Address, size: int, port: int | None
) -> None:
    network = str(ipaddress.ip_network((address, size), strict=False))
    assert parse_egress(with_port(network, port)) == {"cidr": network, "port": port}
    assert parse_egress(with_port(f"[{network}]", port)) == {"cidr": network, "port": port}


@given(st.ip_addresses(v=6), st.integers(0, 128), PORTS)
def test_an_ipv6_network_with_a_port_stands_in_brackets(
    address: ipaddress.IPv6Address, size: int, port: int | None
) -> None:
    network = str(ipaddress.ip_network((address, size), strict=False))
    text = network if port is None else f"[{network}]:{port}"
    assert parse_egress(text) == {"cidr": network, "port": port}


@given(LABELS, LABELS, PORTS)
def test_two_labels_are_a_service_and_with_a_dot_at_the_end_a_host_name(
    service: str, namespace: str, port: int | None
) -> None:
    expected = {"namespace": namespace, "port": port, "service": service}
    assert parse_egress(with_port(f"{service}.{namespace}", port)) == expected
    host = f"{service}.{namespace}"
    assert parse_egress(with_port(f"{host}.", port)) == {"host": host, "port": port}


@pytest.mark.parametrize("text", ["//user:word@example.com", "a" * 301, ""])
def test_a_field_takes_no_credential_and_no_endless_text(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(EgressTarget).validate_python(text)
    assert TypeAdapter(EgressTarget).validate_python("10.0.0.0/8") == "10.0.0.0/8"


@pytest.mark.parametrize("text", ["10.0", "1.2:80"])
def test_what_begins_like_an_address_is_no_service(text: str) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        parse_egress(text)


def test_a_service_may_be_written_in_capitals() -> None:
    assert parse_egress("Models.Inference:80") == parse_egress("models.inference:80")
