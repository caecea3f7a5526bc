"""Blocking code waits in simulated time, and only one piece of it runs at any moment."""

from __future__ import annotations

from rynxs.simulation.fiber import Fiber, Killed, current


def test_work_runs_when_it_is_told_to_and_says_what_came_of_it() -> None:
    ended: list[tuple[object, Exception | None]] = []
    heard: list[str] = []

    def work() -> str:
        heard.append("begun")
        assert fiber is current()
        fiber.wait()
        heard.append("gone on")
        return "result"

    fiber = Fiber(work, lambda *how: ended.append(how))
    assert heard == []
    fiber.go_on()
    assert (heard, ended) == (["begun"], [])
    fiber.go_on()
    assert (heard, ended) == (["begun", "gone on"], [("result", None)])
    fiber.go_on()
    assert current() is None


def test_an_error_is_told() -> None:
    ended: list[Exception | None] = []
    error = ValueError("no")

    def work() -> None:
        raise error

    Fiber(work, lambda _, why: ended.append(why)).go_on()
    assert ended == [error]


def test_one_that_is_killed_ends_where_it_waits_and_can_not_hold_on() -> None:
    ended: list[object] = []
    heard: list[str] = []

    def work() -> None:
        try:
            fiber.wait()
        except Exception:
            heard.append("it was taken for an error")
        finally:
            try:
                fiber.check()
            except Killed:
                heard.append("nothing more can be done")

    fiber = Fiber(work, lambda *how: ended.append(how))
    fiber.go_on()
    fiber.kill()
    assert (heard, ended) == (["nothing more can be done"], [])


def test_one_that_is_killed_before_it_has_begun_does_nothing() -> None:
    heard: list[str] = []
    fiber = Fiber(lambda: heard.append("begun"), lambda *_: None)
    fiber.kill()
    assert heard == []
