"""Showing plans: what would be done is told in lines, and nothing is done."""

from __future__ import annotations

import asyncio

from rynxs.operator.notices import Notice
from rynxs.operator.plan_only import Showing
from rynxs.operator.present import Present
from rynxs.operator.stamp import Stamp, stamped
from rynxs.operator.status_writer import Said
from tests.unit.operator.fake_cluster import FakeCluster
from tests.unit.operator.rig import CONFIG, ORIGIN, POLICY, SUBJECT, asked, config, manifest, policy
from tests.unit.operator.test_notices import ABOUT
from tests.unit.operator.virtual_time import run

SECRET = "sk-canary0123456789abcdefghij"


def present(**digests: str | None) -> Present:
    """Return a cache that holds ConfigMaps, each with the digest that its stamp bears, if any."""
    made = Present(ORIGIN)
    for number, (name, digest) in enumerate(digests.items(), 1):
        body = config(name)
        body["metadata"] |= {"resourceVersion": str(number), "uid": f"u-{number}"}
        if digest is not None:
            body = stamped(body, Stamp(ORIGIN, SUBJECT, 1, 1, digest))
        made.put(f"v1/ConfigMap/default/{name}", body["metadata"])
    return made


def test_what_would_be_made_changed_and_deleted_is_told_and_what_is_in_the_way() -> None:
    lines: list[str] = []
    showing = Showing(present(a="another", gone="", theirs=None), lines.append)
    showing.want(asked(7, policy(), config(), config("theirs"), config("b", key=SECRET)), 3)
    about = f"(plan 7 of {SUBJECT})"
    assert lines == [
        f"would create {POLICY}  {about}",
        f"would update {CONFIG}  {about}",
        f"is in the way: v1/ConfigMap/default/theirs  {about}",
        f"would create v1/ConfigMap/default/b  {about}",
        f"would delete v1/ConfigMap/default/gone  {about}",
    ]


def test_where_all_is_as_it_should_be_there_is_nothing_to_do() -> None:
    lines: list[str] = []
    made, cluster = manifest(config()), FakeCluster()
    cluster.make(stamped(made.body, Stamp(ORIGIN, SUBJECT, 1, 1, made.digest)), manager="rynxs")
    there = present()
    there.put(CONFIG, cluster.show(CONFIG)["metadata"])
    showing = Showing(there, lines.append)
    showing.want(asked(7, config()), None)
    assert lines == [f"nothing to do  (plan 7 of {SUBJECT})"]


def test_it_is_never_busy_shows_nothing_else_and_ends_only_when_cancelled() -> None:
    async def main() -> None:
        lines: list[str] = []
        showing = Showing(present(), lines.append)
        showing.look(SUBJECT)
        showing.say(SUBJECT, Said({}, None, None, None))
        showing.notice(Notice(ABOUT, is_warning=True, reason="Invalid", note=""))
        running = asyncio.create_task(showing.run())
        await asyncio.sleep(1_000)
        assert (lines, running.done(), showing.is_busy) == ([], False, False)
        await showing.stop()
        running.cancel()

    run(main())
