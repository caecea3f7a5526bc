"""Types of fields that specs of Kubernetes kinds have in common; public, for plugins' models."""

from __future__ import annotations

from rynxs.fields.duration import Duration, seconds_of
from rynxs.fields.egress import EgressTarget, parse_egress
from rynxs.fields.names import DnsLabel, DnsSubdomain, LabelValue, SecretKey
from rynxs.fields.pattern import NamePattern, covers
from rynxs.fields.provider import Provider, SecretKeyRef
from rynxs.fields.quantity import ByteQuantity, Quantity, amount_of
from rynxs.fields.resources import ResourceName, Resources, filled

__all__ = [
    "ByteQuantity",
    "DnsLabel",
    "DnsSubdomain",
    "Duration",
    "EgressTarget",
    "LabelValue",
    "NamePattern",
    "Provider",
    "Quantity",
    "ResourceName",
    "Resources",
    "SecretKey",
    "SecretKeyRef",
    "amount_of",
    "covers",
    "filled",
    "parse_egress",
    "seconds_of",
]
