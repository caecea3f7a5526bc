"""What a process says of how it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.errors import SinkUnavailable
from rynxs.operator.elector import Alone
from rynxs.operator.inbox import Inbox, Patience
from rynxs.operator.readiness import Readiness
from rynxs.operator.standby import Standby
from tests.unit.operator.led import virtual_sources
from tests.unit.operator.operated import Log
from tests.unit.operator.virtual_time import now_s, run

if TYPE_CHECKING:
    from rynxs.eventlog.sink import Sink
    from rynxs.operator.leader import Input


class Missing(Log):
    """A log that is not there; it is in a directory called ``log``."""

    def open_reader(self) -> Sink:
        raise SinkUnavailable("log: no log is here")


def test_of_a_log_that_is_not_to_be_had_it_says_so_before_which_one_and_why() -> None:
    async def main() -> None:
        standby = Standby(Missing(), virtual_sources(), lambda *_: None)
        inbox: Inbox[Input] = Inbox(1, 1, Patience(0.0, 0.0, 0.0), now_s)
        readiness = Readiness(standby, Alone(), inbox, now_s)
        await standby.catch_up()
        log, *_ = readiness.checks()
        assert (log.name, log.failure) == ("log", "not available: log: no log is here")

    run(main())
