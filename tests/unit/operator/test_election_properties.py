"""No two candidates lead at one moment, whatever their clocks say and whichever answers are lost.

A Lease is written by compare-and-swap, and every candidate's own clock goes on evenly.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from rynxs.operator.election import Election, Terms

Spec = dict[str, Any]
_TERMS = [Terms(15, 10, 2), Terms(1.4, 1.2, 0.1), Terms(2, 1.9, 0.1)]


class Act(NamedTuple):
    """A candidate goes one step on.

    Attributes:
        who: the candidate.
        after: how much later, in parts of the duration of a lease.
        wall_us: its time of day.
        is_lost: whether an answer that comes now is lost.
        gives_back: whether it gives the Lease back instead of renewing it.
    """

    who: int
    after: float
    wall_us: int
    is_lost: bool
    gives_back: bool


_acts = st.lists(
    st.builds(
        Act,
        st.integers(0, 2),
        st.sampled_from([0.0, 0.0, 0.01, 0.1, 0.3, 0.66, 0.7, 1.0, 1.05]),
        st.sampled_from([0, 7, 10**15]),
        st.booleans(),
        st.sampled_from([False, False, False, True]),
    ),
    min_size=10,
    max_size=120,
)


class Lease:
    """What the API server holds: a write counts only over the version that was read."""

    def __init__(self) -> None:
        self.version = 0
        self.spec: Spec | None = None
        self.transitions = [0]

    def write(self, version: int, spec: Spec) -> bool:
        if version != self.version:
            return False
        self.version, self.spec = version + 1, spec
        self.transitions.append(spec["leaseTransitions"])
        return True


class Candidate:
    """Reads, decides and sends, is written, and hears the answer: a step each time."""

    def __init__(self, name: str, terms: Terms, skew_s: float, lease: Lease) -> None:
        self.election = Election(name, terms)
        self._skew_s = skew_s
        self._lease = lease
        self._read: tuple[int, Spec | None] | None = None
        self._sent: tuple[int, Spec, float] | None = None
        self._answer: bool | None = None

    def leads(self, time_s: float) -> bool:
        return time_s + self._skew_s < self.election.leads_until()

    def go_on(self, time_s: float, act: Act) -> None:
        now_s = time_s + self._skew_s
        if self._answer is not None:
            assert self._sent is not None
            _, written, asked_at_s = self._sent
            if self._answer and not act.is_lost and written["holderIdentity"]:
                self.election.written(written, asked_at_s)
            self._answer = self._sent = None
        elif self._sent is not None:
            self._answer = self._lease.write(*self._sent[:2])
        elif self._read is None:
            self._read = self._lease.version, self._lease.spec
        else:
            (version, spec), self._read = self._read, None
            wanted = None
            if act.gives_back and self.leads(time_s):
                wanted = self.election.released(spec or {}, act.wall_us)
            wanted = wanted or self.election.wanted(spec, now_s, act.wall_us)
            self._sent = None if wanted is None else (version, wanted, now_s)


@settings(max_examples=300)
@given(
    st.sampled_from(_TERMS),
    st.tuples(*[st.sampled_from([0.0, 3.0, 100.0, 1e6])] * 3),
    _acts,
)
def test_no_two_candidates_lead_at_one_moment(
    terms: Terms, skews: tuple[float, ...], acts: list[Act]
) -> None:
    lease, time_s = Lease(), 0.0
    candidates = [Candidate(str(i), terms, skew, lease) for i, skew in enumerate(skews)]
    for act in acts:
        time_s += act.after * terms.lease_s
        candidates[act.who].go_on(time_s, act)
        assert sum(each.leads(time_s) for each in candidates) <= 1
    assert lease.transitions == sorted(lease.transitions)
    known = [each.election.transitions for each in candidates]
    assert max(known) <= lease.transitions[-1]


@given(st.sampled_from(_TERMS), st.integers(0, 10**15), st.floats(0, 1e6))
def test_a_candidate_that_finds_a_dead_holder_leads_within_a_duration_and_a_retry(
    terms: Terms, wall_us: int, skew_s: float
) -> None:
    lease = Lease()
    dead = Election("dead", terms).wanted(None, 0.0, wall_us)
    assert dead is not None
    lease.write(0, dead)
    election, waited_s = Election("a", terms), 0.0
    while election.wanted(lease.spec, skew_s + waited_s, wall_us) is None:
        waited_s += terms.retry_s
    assert waited_s <= dead["leaseDurationSeconds"] + terms.retry_s
