"""A trial: one world from its beginning until all has come to rest, and what is found then."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import RynxsError
from rynxs.simulation.api_server import SERVER, ApiServer
from rynxs.simulation.faults import Faults
from rynxs.simulation.file_log import FileLog
from rynxs.simulation.invariants import Invariants
from rynxs.simulation.judging import replay, verify
from rynxs.simulation.machine import Machine, OsProcess
from rynxs.simulation.network import Network
from rynxs.simulation.replica import ORIGIN, Replica, SimulatedConfig, Surrounding
from rynxs.simulation.s3_log import S3Log
from rynxs.simulation.said import said_by_the_program
from rynxs.simulation.users import Users, differences
from rynxs.simulation.world import SECOND, Stuck, World

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from rynxs.operator.takeover import Lead
    from rynxs.simulation.replica import LogPlace
    from rynxs.simulation.world import Said

_REPLICAS_MAX = 3
_ROUGH_S = 20, 120
_REST_S = 900
_LOOK_S = 10
_RESTART_S = 0.2, 8.0
_DOWN_S = 0.5, 60.0
_HAPPENS_S = 0.5, 15.0
_SKEW_S = 120.0
_RATE = 0.98, 1.02
_ROTTEN = 0.08
_ROTTEN_REST_S = 60


class Outcome(NamedTuple):
    """What came of a trial.

    Attributes:
        seed: of the world.
        broken: the promise that was broken, empty if none was.
        counts: how often what went wrong.
        drawn: how many faults were drawn, those left out included.
        simulated_s: how much time has passed in the world.
        now_us, draw, head: its time, the next random number, and the hash of the log's last record
            in the end: of the same seed they are the same.
        records, effects: how many records were made durable, and objects written.
        late: how many of these were made for an epoch that was over.
        trace: what happened.
    """

    seed: int
    broken: str
    counts: Mapping[str, int]
    drawn: int
    simulated_s: float
    now_us: int
    draw: float
    head: str
    records: int
    effects: int
    late: int
    trace: Sequence[Said]


class Trial:
    """One world."""

    def __init__(self, seed: int, without: Collection[int] = ()) -> None:
        """Make it.

        Args:
            seed: of everything in it.
            without: numbers of faults that do not happen after all.
        """
        self._seed = seed
        self._world = World(seed)
        self._faults = Faults(self._world, without)
        self._chance = self._world.chance("trial")
        self._network = Network(self._world, self._faults)
        self._server = ApiServer(self._world, self._faults)
        place: type[FileLog | S3Log] = self._chance.choice((FileLog, S3Log))
        self._log: LogPlace = place(self._world, self._network, self._faults)
        self._invariants = Invariants(self._world, ORIGIN)
        self._invariants.objects = self._server.objects
        self._server.watching = self._invariants.writes
        self._around = Surrounding(
            self._log, self._server, self._network, self._faults, self._invariants
        )
        self._machines = [
            Machine(self._world, f"machine-{number}") for number in range(self._log.machines)
        ]
        for machine in self._machines:
            if self._faults.happens("world", "clock drifts", machine.name):
                machine.rate = self._chance.uniform(*_RATE)
        self._right = Machine(self._world, "outside")
        self._processes: dict[int, OsProcess] = {}
        self._replicas: dict[int, Replica] = {}
        self._count = self._chance.randrange(1, _REPLICAS_MAX + 1)
        self._lives = 0
        self._is_rough = True
        self._is_rotten = self._chance.random() < _ROTTEN

    def run(self) -> Outcome:
        """Let it all happen."""
        with said_by_the_program(self._world):
            try:
                self._happen()
            except Stuck as error:
                self._invariants.breaks(str(error))
            finally:
                for process in self._processes.values():
                    process.kill()
        invariants, world = self._invariants, self._world
        last = invariants.records.get(len(invariants.records) - 1)
        return Outcome(
            self._seed,
            invariants.broken,
            dict(self._faults.counts),
            self._faults.drawn,
            world.now_us / SECOND,
            world.now_us,
            self._chance.random(),
            "" if last is None else last.leaf.hex(),
            len(invariants.records),
            invariants.effects,
            invariants.late,
            world.trace,
        )

    def _happen(self) -> None:
        rough_us = round(self._chance.uniform(*_ROUGH_S) * SECOND)
        for number in range(self._count):
            self._start_later(number)
        Users(self._world, self._server, self._faults, self._right).begin(rough_us)
        self._disturb_later()
        if self._is_rotten:
            self._world.after(self._chance.randrange(rough_us), self._rot)
        self._go_on_until(rough_us)
        self._calm_down()
        if self._invariants.is_damaged:
            self._go_on_until(self._world.now_us + _ROTTEN_REST_S * SECOND)
        else:
            self._come_to_rest()
        if not self._invariants.broken:
            self._judge()

    def _come_to_rest(self) -> None:
        found = self._rest()
        if not self._invariants.broken and found:
            self._invariants.breaks(f"{_REST_S} s after all was well again: {found[0]}")

    def _go_on_until(self, until_us: int) -> None:
        self._world.run(until_us, lambda: bool(self._invariants.broken))

    def _rest(self) -> list[str]:
        """Wait until all is as it should be; return what is not, after all."""
        started_us = self._world.now_us
        found = ["nobody has looked"]
        while self._world.now_us < started_us + _REST_S * SECOND and not self._invariants.broken:
            self._go_on_until(self._world.now_us + _LOOK_S * SECOND)
            found = list(self._unrest())
            if not found:
                break
        return found

    def _unrest(self) -> list[str]:
        leads = self._leads()
        if len(leads) != 1:
            return [f"{len(leads)} replicas lead"]
        if leads[0].log.size < leads[0].pipeline.state.size:
            return ["not all that the leader has taken in is durable"]
        return list(differences(self._server, self._right.now_us()))

    def _leads(self) -> list[Lead]:
        operators = self._invariants.operators.values()
        return [each.lead for each in operators if each.lead is not None]

    # Replicas.

    def _start_later(self, number: int) -> None:
        delay_us = round(self._chance.uniform(*_RESTART_S) * SECOND)
        self._world.after(delay_us, lambda: self._start(number))

    def _start(self, number: int) -> None:
        running = self._processes.get(number)
        if running is not None and running.is_alive:
            return
        machine = self._machines[number % len(self._machines)]
        self._lives += 1
        process = OsProcess(self._world, machine, f"replica-{number}.{self._lives}")
        replica = Replica(self._around, process, self._world.chance(process.name))
        self._processes[number], self._replicas[number] = process, replica
        self._world.say(process.name, f"starts on {machine.name}")

        def ended(error: BaseException | None) -> None:
            self._log.died(process)
            self._invariants.ended(process, error)
            self._start_later(number)

        process.unheard = lambda what: self._invariants.breaks(f"{process.name}: unheard: {what}")
        process.fail = lambda: self._world.after(0, lambda: self._kill(number, process))
        process.fail_power = lambda: self._world.after(0, lambda: self._lose_power(machine))
        process.start(replica.run, ended)

    # What happens to them.

    def _disturb_later(self) -> None:
        delay_us = round(self._chance.uniform(*_HAPPENS_S) * SECOND)
        self._world.after(delay_us, self._disturb)

    def _disturb(self) -> None:
        if not self._is_rough:
            return
        number = self._chance.randrange(self._count)
        process = self._processes.get(number)
        back_us = round(self._chance.uniform(*_DOWN_S) * SECOND)
        if process is not None and process.is_alive:
            self._happen_to(number, process, back_us)
        self._disturb_later()

    def _happen_to(self, number: int, process: OsProcess, back_us: int) -> None:
        machine, happens = process.machine, self._faults.happens
        if happens("world", "killed", process.name):
            self._kill(number, process)
        elif happens("world", "power lost", machine.name):
            self._lose_power(machine)
        elif happens("world", "stopped", process.name):
            process.stop()
            self._world.after(back_us, process.go_on)
        elif happens("world", "asleep", machine.name):
            machine.sleep()
            self._world.after(back_us, lambda: self._wake(machine))
        elif happens("world", "cut off", machine.name):
            self._network.cut(machine.name, self._chance.choice([SERVER, *self._log.servers]))
            self._world.after(back_us, self._network.mend)
        elif happens("world", "clock jumps", machine.name):
            machine.skew_us = round(self._chance.uniform(-_SKEW_S, _SKEW_S) * SECOND)
        elif happens("world", "stopped in order", process.name):
            self._replicas[number].end()

    def _rot(self) -> None:
        """Let a bit of what is stored flip: it may be noticed, and never be taken for the truth."""
        if self._log.is_empty():
            self._world.after(SECOND, self._rot)
        elif self._faults.happens("world", "bit rot", "log"):
            self._invariants.is_damaged = True
            self._world.say("world", f"a bit of {self._log.rot()} flips")

    def _kill(self, number: int, process: OsProcess) -> None:
        if not process.is_alive:
            return
        self._world.say(process.name, "is killed")
        process.kill()
        self._log.died(process)
        self._invariants.operators.pop(process.name, None)
        self._start_later(number)

    def _lose_power(self, machine: Machine) -> None:
        for number, process in self._processes.items():
            if process.machine is machine and process.is_alive:
                self._kill(number, process)
        self._log.lose_power(machine.name)

    def _wake(self, machine: Machine) -> None:
        machine.wake()
        for process in self._processes.values():
            if process.machine is machine:
                process.go_on()

    def _calm_down(self) -> None:
        """Let nothing go wrong any more."""
        self._world.say("world", "all is well from now on")
        self._is_rough = self._faults.is_on = False
        self._network.mend()
        for machine in self._machines:
            machine.skew_us = 0
            self._wake(machine)
        for number in range(self._count):
            process = self._processes.get(number)
            if process is None or not process.is_alive:
                self._start_later(number)

    def _judge(self) -> None:
        """Read the log in the end, as an auditor does from outside."""
        process = OsProcess(self._world, self._right, "auditor")
        try:
            with self._log.around(process), closing(self._log.open_reader(process)) as sink:
                verify(sink, self._invariants)
                if not self._invariants.is_damaged:
                    (lead,) = self._leads()
                    replay(sink, SimulatedConfig(self._around, process), lead, self._invariants)
        except RynxsError as error:
            if not self._invariants.is_damaged:
                self._invariants.breaks(f"the log does not hold: {type(error).__name__}: {error}")
            self._world.say("auditor", f"{type(error).__name__}: {error}")
        finally:
            process.kill()
