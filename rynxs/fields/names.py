"""Names as Kubernetes takes them (RFC 1123), and label values."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from rynxs.engine.resource import Text

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"

DnsLabel = Annotated[Text, StringConstraints(pattern=rf"^{_LABEL}$", max_length=63)]
DnsSubdomain = Annotated[
    Text, StringConstraints(pattern=rf"^{_LABEL}(\.{_LABEL})*$", max_length=253)
]
LabelValue = Annotated[
    Text,
    StringConstraints(pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$", max_length=63),
]
SecretKey = Annotated[Text, StringConstraints(pattern=r"^[-._a-zA-Z0-9]{1,253}$", max_length=253)]
"""A key of a Secret or a ConfigMap."""
