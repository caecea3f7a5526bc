"""Run simulations: ``python -m rynxs.simulation``, or ``make simulate``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING

from rynxs.simulation.campaign import Campaign, Limits, outcomes
from rynxs.simulation.faults import KINDS
from rynxs.simulation.minimal import minimal
from rynxs.simulation.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.simulation.trial import Outcome

_PROGRESS_S = 10.0
_LINES = 60
_BROKEN = 1


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for; return 0 if every promise was kept, 1 if one was broken."""
    asked = _parsed(arguments)
    if asked.trace:
        return _trace(asked.seed, asked.without)
    started_s, told_s = time.monotonic(), time.monotonic()

    def is_over() -> bool:
        return asked.seconds is not None and time.monotonic() >= started_s + asked.seconds

    campaign = Campaign()
    for outcome in outcomes(asked.seed, Limits(asked.runs, is_over, asked.jobs)):
        campaign.take(outcome)
        if outcome.broken:
            _say(f"seed {outcome.seed}: {outcome.broken}")
        if time.monotonic() >= told_s + _PROGRESS_S:
            told_s = time.monotonic()
            _say(f"{campaign.runs} runs, {campaign.simulated_s / 3_600:.0f} simulated hours")
    _report(campaign, time.monotonic() - started_s)
    if campaign.broken:
        _explain(min(campaign.broken, key=lambda each: each.seed))
    return _BROKEN if campaign.broken else 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m rynxs.simulation", description=__doc__)
    parser.add_argument("--seed", type=_natural, default=0, help="of the first run")
    parser.add_argument("--runs", type=_natural, help="how many; each has the next seed")
    parser.add_argument("--seconds", type=float, help="begin no run after so long")
    parser.add_argument(
        "--jobs", type=_natural, default=os.cpu_count() or 1, help="how many processes to use"
    )
    parser.add_argument("--trace", action="store_true", help="run one seed, and print its trace")
    parser.add_argument(
        "--without", type=_numbers, default=frozenset(), help="faults to leave out, as 0-5,9"
    )
    asked = parser.parse_args(arguments)
    if asked.runs is None and asked.seconds is None and not asked.trace:
        parser.error("say --runs, --seconds or --trace")
    if asked.without and not asked.trace:
        parser.error("--without goes with --trace")
    return asked


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is negative")
    return number


def _numbers(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return frozenset(found)


def _trace(seed: int, without: frozenset[int]) -> int:
    outcome = Trial(seed, without).run()
    for line in outcome.trace:
        _say(str(line))
    _say(f"clock {outcome.now_us} us, next random number {outcome.draw}, head {outcome.head}")
    _say(f"seed {seed}: {outcome.broken or 'every promise was kept'}")
    return _BROKEN if outcome.broken else 0


def _report(campaign: Campaign, took_s: float) -> None:
    faults, hours = sum(campaign.counts.values()), campaign.simulated_s / 3_600
    for kind in KINDS:
        _say(f"{campaign.counts[kind]:>10}  {kind}")
    _say(
        f"{campaign.runs} runs in {took_s:.0f} s: {hours:.1f} simulated hours, {faults} faults, "
        f"{campaign.records} records, {campaign.effects} writes of objects"
    )
    _say(f"of these {campaign.late} made an object for an epoch that was over; it was taken away")
    if took_s:
        _say(f"a second: {hours / took_s:.2f} simulated hours, {faults / took_s:.0f} faults")
    _say(f"broken promises: {len(campaign.broken)}")


def _explain(outcome: Outcome) -> None:
    """Print a trace in which little goes wrong, and how to see it again."""
    _say("looking for the least that has to go wrong")
    least = minimal(outcome)
    for line in least.outcome.trace[-_LINES:]:
        _say(str(line))
    left_out = ",".join(map(str, sorted(least.without)))
    again = f"python -m rynxs.simulation --trace --seed {outcome.seed}"
    _say(f"{least.outcome.broken}")
    _say(f"again: {again}{f' --without {_ranges(left_out)}' if left_out else ''}")


def _ranges(numbers: str) -> str:
    """Return numbers with runs of them joined, as 0-5,9."""
    parts: list[tuple[int, int]] = []
    for number in map(int, numbers.split(",")):
        if parts and parts[-1][1] + 1 == number:
            parts[-1] = (parts[-1][0], number)
        else:
            parts.append((number, number))
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in parts)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
