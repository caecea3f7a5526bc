"""Quotas: who is admitted while they last. First come in the log, first served; nobody is evicted.

What an agent or session takes of a universe stands in its verdict as ``holds``, by the universe's
subject. Who finds no room waits, and that is counted as well, so that it is known at once whether
anybody has to be asked when something is given back.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rynxs.fields import amount_of
from rynxs_reducer_universe.rules import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rynxs.api import View
    from rynxs_reducer_universe.governing import Universe

WAITING: Final = "waiting"
_COUNTED: Final = ("agents", "sessions")
_MEASURED: Final = (("cpu", "cpuMillis", 1_000), ("memory", "memoryBytes", 1))
"""Compute resource, the unit that it is counted in, and how many of these are one of it."""

_AMOUNT_MAX: Final = 2**63 - 1
"""No quantity of Kubernetes is greater."""

_FIELDS: Final = {
    "agents": "metadata.name",
    "sessions": "metadata.name",
    "cpuMillis": "spec.resources.limits.cpu",
    "memoryBytes": "spec.resources.limits.memory",
}
_SUFFIXES: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


class Ask(NamedTuple):
    """What is asked of a quota.

    Attributes:
        universe: the subject of the universe.
        unit: what the quota counts.
        limit: how much of it there may be.
        more: how much more is asked for than is held.
        message: names the field and the quota.
    """

    universe: str
    unit: str
    limit: int
    more: int
    message: str

    def has_room(self, view: View) -> bool:
        """Tell whether the quota has room for it."""
        return view.total(self.universe).get(self.unit, 0) + self.more <= self.limit


def wanted(what: str, resources: Mapping[str, Any]) -> dict[str, int]:
    """Return what one more agent or session takes, by unit.

    Args:
        what: ``agents`` or ``sessions``.
        resources: of its container; its limits count, its requests where there is no limit.
    """
    taken = {what: 1}
    for name, unit, scale in _MEASURED:
        quantity = resources["limits"].get(name, resources["requests"].get(name, "0"))
        amount = amount_of(quantity)
        if amount:  # Kubernetes takes a limit of zero for none
            scaled = (amount * scale).to_integral_value(rounding=ROUND_CEILING)
            taken[unit] = min(int(scaled), _AMOUNT_MAX)
    return taken


def asks(universe: Universe, taken: Mapping[str, int], held: Mapping[str, int]) -> Iterator[Ask]:
    """Yield what is asked of a universe's quotas.

    Args:
        universe: whose quotas.
        taken: what is wanted, by unit.
        held: what of it was admitted before, and so stays admitted.
    """
    for unit, (name, limit) in _limits(universe).items():
        more = taken.get(unit, 0) - held.get(unit, 0)
        if more > 0:
            message = (
                f"{_field(unit, taken)}: asks for {_shown(unit, more)} of "
                f"{_quota(universe, name)}, which is {universe.spec['quotas'][name]}"
            )
            yield Ask(universe.subject, unit, limit, more, message)


def unlimited(
    universe: Universe, taken: Mapping[str, int], held: Mapping[str, int]
) -> Iterator[Violation]:
    """Yield the quotas of what is taken without limit; who was admitted without one stays so."""
    for name, unit, _ in _MEASURED:
        is_admitted = bool(held) and unit not in held
        if unit in _limits(universe) and unit not in taken and not is_admitted:
            message = f"{_field(unit, taken)}: required above 0 by {_quota(universe, name)}"
            yield Violation("QuotaNeedsLimit", message)


def has_room(universe: Universe, view: View) -> bool:
    """Tell whether a universe's quotas may admit anybody."""
    total = view.total(universe.subject)
    is_free = {unit: total.get(unit, 0) < limit for unit, (_, limit) in _limits(universe).items()}
    counted = [is_free[unit] for unit in _COUNTED if unit in is_free]
    is_counted_out = len(counted) == len(_COUNTED) and not any(counted)
    return not is_counted_out and all(is_free.get(unit, True) for _, unit, _ in _MEASURED)


def _limits(universe: Universe) -> dict[str, tuple[str, int]]:
    """Return the quotas of a universe, each as its name and its limit, by unit."""
    quotas = universe.spec["quotas"]
    found = {name: (name, quotas[name]) for name in _COUNTED if quotas[name] is not None}
    for name, unit, scale in _MEASURED:
        if quotas[name] is not None:
            found[unit] = (name, int(Decimal(scale) * amount_of(quotas[name])))
    return found


def _field(unit: str, taken: Mapping[str, int]) -> str:
    """Return the field that a quota is about; what a session takes, its agent's spec says."""
    whose = "the agent's " if "sessions" in taken and unit not in _COUNTED else ""
    return f"{whose}{_FIELDS[unit]}"


def _shown(unit: str, amount: int) -> str:
    """Return an amount as a person would write it."""
    if unit == "cpuMillis":
        return f"{amount}m" if amount % 1_000 else f"{amount // 1_000}"
    if unit != "memoryBytes":
        return f"{amount}"
    power = 0
    while amount and amount % 1_024 == 0 and power < len(_SUFFIXES) - 1:
        amount, power = amount // 1_024, power + 1
    return f"{amount}{_SUFFIXES[power]}"


def _quota(universe: Universe, name: str) -> str:
    return f"quotas.{name} of universe {universe.name}"
