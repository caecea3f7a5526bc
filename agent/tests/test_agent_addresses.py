"""The guard: metadata and loopback are reached only where the egress names them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs_agent.tools.addresses import Guard

METADATA = "169.254.169.254"


@pytest.mark.parametrize(
    "address",
    [
        METADATA,
        "169.254.170.2",
        "127.0.0.1",
        "0.0.0.0",
        "100.100.100.200",
        "168.63.129.16",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "metadata.google.internal",
        "",
    ],
)
@pytest.mark.parametrize(
    "allow", [[], ["0.0.0.0/0", "::/0"], ["169.0.0.0/8"], ["models.inference:80"]]
)
def test_guarded_addresses_are_forbidden_however_wide_the_egress(
    address: str, allow: list[str]
) -> None:
    assert Guard(allow).forbids(address, 80)


@pytest.mark.parametrize("address", ["10.0.0.1", "198.51.100.7", "2001:db8::1", "::ffff:10.0.0.1"])
def test_other_addresses_are_left_to_the_network_policy(address: str) -> None:
    assert not Guard([]).forbids(address, 80)


@pytest.mark.parametrize(
    ("entry", "forbidden"),
    [
        ("0.0.0.0/0", True),
        ("10.245.0.0/24", True),
        ("agent-worker.default:8080", True),
        ("10.245.0.7", False),
        ("10.245.0.7:8080", False),
        ("10.245.0.7:80", True),
    ],
)
def test_an_address_of_the_pods_own_is_forbidden_unless_it_alone_is_named(
    entry: str, forbidden: bool
) -> None:
    assert Guard([entry]).forbids("10.245.0.7", 8080, is_own=True) is forbidden


@pytest.mark.parametrize(
    ("entry", "address", "port", "forbidden"),
    [
        (METADATA, METADATA, 80, False),
        (f"{METADATA}:80", METADATA, 80, False),
        (f"{METADATA}:80", METADATA, 8080, True),
        (METADATA, "169.254.169.253", 80, True),
        ("169.254.0.0/16", METADATA, 80, False),
        (METADATA, f"::ffff:{METADATA}", 80, False),
        ("fe80::1", "fe80::1%eth0", 80, False),
        ("[::1]:8080", "::1", 8080, False),
        ("[::1]:8080", "::1", 8081, True),
        ("[fd00:ec2::254]:80", "fd00:ec2::254", 80, False),
        ("[fd00:ec2::254]:80", "fd00:ec2::254", 81, True),
    ],
)
def test_an_egress_within_a_guarded_network_opens_it(
    entry: str, address: str, port: int, *, forbidden: bool
) -> None:
    assert Guard([entry]).forbids(address, port) is forbidden


@given(address=st.ip_addresses(v=4, network="169.254.0.0/16"))
def test_no_spelling_of_a_link_local_address_is_let_through(address: IPv4Address) -> None:
    number = int(address)
    spellings = [
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(0x64FF9B << 96 | number),
        IPv6Address(0x2002 << 112 | number << 80),
    ]
    assert all(Guard(["0.0.0.0/0", "::/0"]).forbids(str(each), 80) for each in spellings)


@given(entry=st.text(max_size=40))
def test_whatever_the_egress_says_the_guard_does_not_fail(entry: str) -> None:
    assert Guard([entry]).forbids("127.0.0.1", 1) in {True, False}
