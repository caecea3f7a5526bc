"""Quantities of Kubernetes, such as ``500m`` and ``1.5Gi``."""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

_QUANTITY = r"[0-9]{1,30}(\.[0-9]{1,30})?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?"
_SUFFIXES = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", 1)},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)},
}

_EXACT = Context(prec=100)  # more digits than a quantity has


def amount_of(quantity: str) -> Decimal:
    """Return the number that a quantity stands for."""
    digits = quantity.rstrip("".join(_SUFFIXES))
    return _EXACT.multiply(Decimal(digits), _SUFFIXES[quantity[len(digits) :]])


def _canonical(value: object) -> str:
    """Return a quantity as text; as Kubernetes, take an integer too."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not re.fullmatch(_QUANTITY, value, re.ASCII):
        raise ValueError("not a quantity; allowed is text such as 500m or 1.5Gi, or an integer")
    return value


def _whole_bytes(quantity: str) -> str:
    amount = amount_of(quantity)
    if amount <= 0 or amount != amount.to_integral_value():
        raise ValueError("not a whole number of bytes above zero")
    return quantity


Quantity = Annotated[
    str,
    BeforeValidator(_canonical),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "maxLength": 63,
            "pattern": f"^{_QUANTITY}$",
            "x-kubernetes-int-or-string": True,
        }
    ),
]
ByteQuantity = Annotated[Quantity, AfterValidator(_whole_bytes)]
"""A quantity that is a whole number of bytes, at least one."""
