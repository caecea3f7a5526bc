"""Whether a pattern of a universe allows what is asked for."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

from rynxs.fields import covers, parse_egress

if TYPE_CHECKING:
    from collections.abc import Mapping

_ANY_SERVICE: Final = "*."
_IPV4_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")


def covers_image(pattern: str, image: Mapping[str, Any]) -> bool:
    """Tell whether a pattern allows an image, given as repository and tag.

    A pattern without tag allows every tag of the repository, and one with a digest only images that
    are pinned to it. One with a tag and no digest allows only images that are not pinned: of an
    image that has both, the digest says what is pulled, and the tag beside it may be any.
    """
    tag, _, digest = image["tag"].removeprefix("@").rpartition("@")
    if digest and not digest.startswith("sha256:"):
        tag, digest = digest, ""
    place, at, wanted = pattern.partition("@")
    if at and not (digest and covers(wanted, digest)):
        return False
    path, slash, last = place.rpartition("/")
    name, colon, tags = last.partition(":")  # one before a slash is of a registry's port
    if not colon:
        return not place or _covers_repository(place, image["repository"])
    is_named = image["repository"] == f"{path}{slash}{name}" and bool(tag) and covers(tags, tag)
    return is_named and bool(at or not digest)


def _covers_repository(pattern: str, repository: str) -> bool:
    """Tell whether a pattern allows a repository; a part of a registry's name is not a registry."""
    is_part = pattern.endswith("*") and pattern != "*" and "/" not in pattern
    return covers(pattern, repository) and not (is_part and "/" in repository)


def parse_egress_pattern(text: str) -> dict[str, Any]:
    """Return an egress pattern as a slice holds a target; the service ``*`` is every service.

    Raises:
        ValueError: it is neither a target nor ``*.namespace`` with an optional port.
    """
    if not text.startswith(_ANY_SERVICE):
        return parse_egress(text)
    parsed = parse_egress(f"any.{text.removeprefix(_ANY_SERVICE)}")
    if "service" not in parsed:
        raise ValueError("after *. one namespace is expected, with an optional :port")
    return {**parsed, "service": "*"}


def covers_egress(pattern: str, target: Mapping[str, Any]) -> bool:
    """Tell whether a pattern allows a parsed egress target and every address and port of it."""
    allowed = parse_egress_pattern(pattern)
    if allowed["port"] is not None and allowed["port"] != target["port"]:
        return False
    if "cidr" in allowed:
        return "cidr" in target and _holds(allowed["cidr"], target["cidr"])
    if "host" in allowed:
        return bool(allowed["host"] == target.get("host"))
    is_near = allowed["namespace"] == target.get("namespace")
    return is_near and allowed["service"] in {"*", target["service"]}


def _holds(outer: str, inner: str) -> bool:
    """Tell whether a network holds all of another.

    IPv4 addresses written as IPv6 are read as IPv4 by some, so that no other IPv6 network is to
    hold them.
    """
    whole, part = ipaddress.ip_network(outer), ipaddress.ip_network(inner)
    if isinstance(whole, ipaddress.IPv4Network):
        return isinstance(part, ipaddress.IPv4Network) and part.subnet_of(whole)
    if isinstance(part, ipaddress.IPv4Network):
        return False
    is_mapped = part.subnet_of(_IPV4_MAPPED) and not whole.subnet_of(_IPV4_MAPPED)
    return part.subnet_of(whole) and not is_mapped


def overlap(one: str, other: str) -> bool:
    """Tell whether two patterns of names have a name in common."""
    if one.endswith("*") and other.endswith("*"):
        return one[:-1].startswith(other[:-1]) or other[:-1].startswith(one[:-1])
    return covers(one, other) if one.endswith("*") else covers(other, one)
