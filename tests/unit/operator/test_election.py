"""What a candidate writes to the Lease, and until when it may lead."""

from __future__ import annotations

from typing import Any

import pytest

from rynxs.operator.election import Election, Terms

TERMS = Terms(lease_s=15, renew_s=10, retry_s=2)
WALL_US = 1_767_225_600_000_000
Spec = dict[str, Any]


def candidate(identity: str = "a") -> Election:
    return Election(identity, TERMS)


def taken(election: Election, spec: Spec | None, now_s: float, wall_us: int = WALL_US) -> Spec:
    """Let a candidate write what it wants; return that."""
    wanted = election.wanted(spec, now_s, wall_us)
    assert wanted is not None
    election.written(wanted, now_s)
    return wanted


def test_a_lease_that_is_not_there_is_taken_at_once() -> None:
    election = candidate()
    assert election.leads_until() == 0
    assert taken(election, None, 100.0) == {
        "acquireTime": "2026-01-01T00:00:00.000000Z",
        "holderIdentity": "a",
        "leaseDurationSeconds": 15,
        "leaseTransitions": 0,
        "renewTime": "2026-01-01T00:00:00.000000Z",
    }
    assert election.leads_until() == 110


def test_the_holder_renews_and_leads_on_from_when_it_asked() -> None:
    election = candidate()
    first = taken(election, None, 100.0)
    second = election.wanted(first, 102.0, WALL_US + 2_000_000)
    assert second == {**first, "renewTime": "2026-01-01T00:00:02.000000Z"}
    assert election.leads_until() == 110
    election.written(second, 102.0)
    assert election.leads_until() == 112


def test_a_leader_that_cannot_renew_stops_before_others_take_over() -> None:
    leader, other = candidate("a"), candidate("b")
    spec = taken(leader, None, 100.0)
    assert other.wanted(spec, 100.0, WALL_US) is None
    assert leader.leads_until() == 110
    assert other.wanted(spec, 110.0, WALL_US) is None
    assert other.wanted(spec, 114.9, WALL_US) is None
    assert other.wanted(spec, 115.0, WALL_US) is not None


def test_nobody_takes_over_from_a_holder_that_goes_on_renewing() -> None:
    leader, other = candidate("a"), candidate("b")
    spec = taken(leader, None, 0.0)
    for number in range(100):
        assert other.wanted(spec, 5_000 + number * 10, WALL_US) is None
        spec = taken(leader, spec, number * 10)


def test_who_has_just_come_waits_a_whole_duration_however_old_the_lease_looks() -> None:
    spec = taken(candidate("a"), None, 0.0, 0)
    other = candidate("b")
    assert other.wanted(spec, 1e9, WALL_US) is None
    assert other.wanted(spec, 1e9 + 14, WALL_US) is None
    assert other.wanted(spec, 1e9 + 15, WALL_US) is not None


def test_the_holders_duration_counts_and_not_ones_own() -> None:
    spec = taken(Election("a", Terms(60, 40, 2)), None, 0.0)
    other = candidate("b")
    assert other.wanted(spec, 0.0, WALL_US) is None
    assert other.wanted(spec, 59.0, WALL_US) is None
    assert other.wanted(spec, 60.0, WALL_US) is not None


def test_a_duration_that_is_no_whole_number_is_told_as_a_longer_one() -> None:
    spec = taken(Election("a", Terms(1.4, 1.2, 0.1)), None, 0.0)
    assert spec["leaseDurationSeconds"] == 2
    spec = taken(Election("a", Terms(0.3, 0.2, 0.1)), None, 0.0)
    assert spec["leaseDurationSeconds"] == 1


def test_each_change_of_hands_counts_and_a_renewal_does_not() -> None:
    one, two = candidate("a"), candidate("b")
    spec = taken(one, taken(one, None, 0.0), 1.0)
    assert (spec["leaseTransitions"], one.transitions) == (0, 0)
    assert two.wanted(spec, 1.0, WALL_US) is None
    spec = taken(two, spec, 100.0, WALL_US + 5)
    assert (spec["leaseTransitions"], two.transitions) == (1, 1)
    assert spec["acquireTime"] == spec["renewTime"] == "2026-01-01T00:00:00.000005Z"
    assert one.wanted(spec, 100.0, WALL_US) is None
    assert one.transitions == 1
    given_back = two.released(spec, WALL_US)
    spec = taken(one, given_back, 101.0)
    assert (spec["leaseTransitions"], one.transitions) == (2, 2)


def test_a_lease_whose_changes_of_hands_can_not_be_counted_on_is_taken_all_the_same() -> None:
    most = 2**31 - 1
    assert taken(candidate(), {"leaseTransitions": most}, 0.0)["leaseTransitions"] == most


def test_a_lease_that_was_made_empty_has_not_changed_hands() -> None:
    assert taken(candidate(), {}, 0.0)["leaseTransitions"] == 0


def test_whoever_gives_the_lease_back_leads_no_more_and_the_next_takes_it_at_once() -> None:
    leader, other = candidate("a"), candidate("b")
    spec = taken(leader, None, 0.0)
    assert other.wanted(spec, 1.0, WALL_US) is None
    given_back = leader.released(spec, WALL_US + 9)
    assert given_back is not None
    assert leader.leads_until() == 0
    assert given_back["holderIdentity"] == ""
    assert given_back["leaseDurationSeconds"] == 1
    assert taken(other, given_back, 1.0)["holderIdentity"] == "b"


def test_a_lease_of_another_is_not_given_back() -> None:
    spec = taken(candidate("a"), None, 0.0)
    assert candidate("b").released(spec, WALL_US) is None
    assert candidate("b").released({}, WALL_US) is None


def test_a_write_whose_answer_is_lost_leads_only_once_it_is_renewed() -> None:
    election = candidate()
    lost = election.wanted(None, 100.0, WALL_US)
    assert election.leads_until() == 0
    spec = taken(election, lost, 102.0)
    assert spec["leaseTransitions"] == 0
    assert election.leads_until() == 112
    renewed = election.wanted(spec, 104.0, WALL_US)
    assert renewed is not None
    assert election.leads_until() == 112  # its answer is lost, too


@pytest.mark.parametrize("wall_us", [0, WALL_US, WALL_US - 10**12])
def test_each_renewal_looks_different_though_the_time_of_day_stands_still_or_goes_back(
    wall_us: int,
) -> None:
    election = candidate()
    spec = taken(election, None, 0.0, WALL_US)
    times = [spec["renewTime"]]
    for number in range(1, 5):
        spec = taken(election, spec, float(number), wall_us)
        times.append(spec["renewTime"])
    assert times == sorted(set(times))


@pytest.mark.parametrize("duration", [None, 0])
def test_a_holder_that_tells_no_duration_has_ones_own(duration: int | None) -> None:
    spec = {"holderIdentity": "x", "leaseDurationSeconds": duration}
    election = candidate()
    assert election.wanted(spec, 0.0, WALL_US) is None
    assert election.wanted(spec, 14.0, WALL_US) is None
    wanted = election.wanted(spec, 15.0, WALL_US)
    assert wanted is not None
    assert wanted["leaseTransitions"] == 1
