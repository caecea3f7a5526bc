"""Compute resources of a container, and what fills in those that it does not state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from rynxs.engine.resource import SpecModel, rules
from rynxs.fields.quantity import Quantity, amount_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_RESOURCE = (
    r"^(cpu|memory|ephemeral-storage|hugepages-[0-9]+[KMGT]i"
    r"|[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)$"
)
ResourceName = Annotated[str, StringConstraints(pattern=_RESOURCE)]


class Resources(SpecModel):
    """Compute resources of the container."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            *(
                (
                    f"!has(self.{part}) || self.{part}.all(name, name.matches('{_RESOURCE}'))",
                    f"{part}: names are such as cpu, memory, ephemeral-storage or example.com/gpu",
                )
                for part in ("requests", "limits")
            )
        )
    )

    requests: dict[ResourceName, Quantity] = Field(
        {}, max_length=32, description="What is reserved."
    )
    limits: dict[ResourceName, Quantity] = Field(
        {}, max_length=32, description="What is not exceeded."
    )

    @model_validator(mode="after")
    def _requests_within_limits(self) -> Resources:
        for name, limit in sorted(self.limits.items()):
            requested = self.requests.get(name)
            if requested is not None and amount_of(requested) > amount_of(limit):
                raise ValueError(f"requests {requested} of {name}, above its limit of {limit}")
        return self


def filled(own: Mapping[str, Any], *defaults: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return requests and limits, with what they do not state from the first default that does.

    A default never contradicts what is stated: a request without one of its own is at most the
    limit, and a limit without one of its own is at least the request.
    """
    requests, limits = dict(own.get("requests", {})), dict(own.get("limits", {}))
    for default in defaults:
        for name, quantity in default.get("requests", {}).items():
            limit = limits.get(name)
            at_most = limit is not None and amount_of(limit) < amount_of(quantity)
            requests.setdefault(name, limit if at_most else quantity)
        for name, quantity in default.get("limits", {}).items():
            request = requests.get(name)
            at_least = request is not None and amount_of(request) > amount_of(quantity)
            limits.setdefault(name, request if at_least else quantity)
    return {"limits": dict(sorted(limits.items())), "requests": dict(sorted(requests.items()))}
