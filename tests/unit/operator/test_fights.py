"""How often an object had to be set right decides when it is next, and whether that is told."""

from __future__ import annotations

from rynxs.operator.fights import Fights
from rynxs.operator.reconciling import Drift
from tests.unit.operator.rig import SUBJECT, asked

ONE, TWO = Drift("one", ["data.a"], ["foe"]), Drift("two", ["data.a"], ["foe"])


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_the_first_time_is_told_and_due_at_once() -> None:
    fights = Fights(Clock())
    assert fights.met(asked(1), [ONE, TWO]) == [(ONE, 1), (TWO, 1)]
    assert fights.held(SUBJECT) == {}


def test_it_is_one_time_until_it_is_set_right() -> None:
    fights = Fights(Clock())
    fights.met(asked(1), [ONE])
    assert fights.met(asked(1), [ONE]) == []
    fights.repaired(SUBJECT, "one")
    assert fights.met(asked(1), [ONE]) == [(ONE, 2)]


def test_each_further_time_waits_longer_and_only_that_object() -> None:
    clock = Clock()
    fights = Fights(clock)
    for wait_s in (0, 0.5, 1, 2, 4):
        fights.met(asked(1), [ONE])
        assert fights.held(SUBJECT) == ({"one": clock.now_s + wait_s} if wait_s else {})
        clock.now_s += wait_s
        assert fights.held(SUBJECT) == {}
        fights.repaired(SUBJECT, "one")
    fights.met(asked(1), [ONE, TWO])
    assert list(fights.held(SUBJECT)) == ["one"]


def test_what_others_have_put_right_is_a_further_time_when_it_comes_again() -> None:
    clock = Clock()
    fights = Fights(clock)
    fights.met(asked(1), [ONE])
    fights.met(asked(1), [])
    assert fights.met(asked(1), [ONE]) == [(ONE, 2)]
    assert fights.held(SUBJECT) == {"one": clock.now_s + 0.5}


def test_subjects_and_plans_are_counted_apart() -> None:
    fights = Fights(Clock())
    other = asked(1, subject="example.org/Thing/default/b")
    fights.met(asked(1), [ONE])
    fights.repaired(SUBJECT, "one")
    assert fights.met(other, [ONE]) == [(ONE, 1)]
    assert fights.met(asked(2), [ONE]) == [(ONE, 1)]
    fights.repaired("unknown", "one")
    fights.repaired(SUBJECT, "unknown")


def test_it_is_told_at_powers_of_two_and_when_it_is_another_change() -> None:
    fights = Fights(Clock())
    changes = [ONE] * 8 + [Drift("one", ["data.a"], ["fiend"])] + [ONE] * 8
    told = []
    for change in changes:
        told += [times for _, times in fights.met(asked(1), [change])]
        fights.repaired(SUBJECT, "one")
    assert told == [1, 2, 4, 8, 9, 10, 16]
