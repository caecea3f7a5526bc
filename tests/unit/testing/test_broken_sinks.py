"""The kit catches what it is for: seven sinks, each broken on purpose, each fail where they are.

They derive from the sink that `rynxs plugins new` makes, which itself passes. Left out are the
promises about many processes at once, whose outcome for a broken sink is a matter of luck.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from rynxs.scaffold.distribution import render, write
from rynxs.scaffold.names import check_name

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from pathlib import Path

    Failed = dict[str, set[str]]

SINKS = '''
"""Sinks that each break one promise."""
from dataclasses import replace
from pathlib import Path

from rynxs_sink_demo import plugin
from rynxs_sink_demo.batches import Batches
from rynxs_sink_demo.files import replace_file
from rynxs_sink_demo.sink import DemoWriter


class LosesTheLastRecord(DemoWriter):
    def append(self, start, records):
        super().append(start, records[:-1] or records)
        self._size = start + len(records)


class IgnoresStart(DemoWriter):
    def append(self, start, records):
        super().append(self.size(), records)


class ReordersABatch(DemoWriter):
    def append(self, start, records):
        super().append(start, records[::-1])


class AcknowledgesEarly(DemoWriter):
    """Writes a batch when the next one comes, when it is asked for, or at the end."""

    held = None

    def append(self, start, records):
        self.write_held()
        real = self._batches.add
        self._batches.add = lambda first, data: setattr(self, "held", (first, data))
        try:
            super().append(start, records)
        finally:
            self._batches.add = real

    def read(self, start=0, stop=None):
        self.write_held()
        return super().read(start, stop)

    def close(self):
        self.write_held()
        super().close()

    def write_held(self):
        if self.held:
            self._batches.add(*self.held)
        self.held = None


class Overwriting(Batches):
    def add(self, first, data):
        replace_file(self._path(first), data)


class LetsAStaleWriterIn(DemoWriter):
    def __init__(self, root):
        super().__init__(root)
        self._batches = Overwriting(root / "batches")


class ForgetsToErase(DemoWriter):
    """Erases the first of several, as a loop with an early return does."""

    def erase(self, seqs):
        super().erase(seqs[:1])


class KeepsTheOldFile(DemoWriter):
    """Erases in the file that is read, and keeps a copy of what was there."""

    def erase(self, seqs):
        for file in list((self._root / "batches").iterdir()):
            (self._root / f"{file.name}.bak").write_bytes(file.read_bytes())
        super().erase(seqs)


def declared(name):
    made = globals()[name]
    honest = plugin.rynxs_sink()
    return replace(honest, open_writer=lambda settings, _: made(Path(settings.path)))
'''
HOOK = """
import broken
from rynxs.api import hookimpl

@hookimpl
def rynxs_sink():
    return broken.declared({name!r})
"""
KIT = """
from rynxs.testing import SinkConformance

class Kit(SinkConformance):
    kills = 4

    def settings(self, place):
        return {"path": str(place)}

class TestHonest(Kit):
    plugin_module = "rynxs_sink_demo.plugin"
"""
LEFT_OUT = "writers_at_once or processes_that_create or beside_a_writing_process or more_names"
IN_ORDER = "records_are_read_in_the_order_they_were_appended_byte_for_byte"
ELSEWHERE = "an_append_elsewhere_than_at_the_end_conflicts_and_writes_nothing"
KILLED = "what_was_acknowledged_is_there_after_kill_9"
OVERTAKEN = "a_writer_that_was_overtaken_is_fenced"
SAME_BYTES = "a_stale_writer_with_the_very_same_records_is_fenced_too"
TOO_MANY = "a_batch_of_none_or_of_too_many_records_is_refused"  # one fewer is not too many
RANGES = "every_range_is_what_slicing_gives"
READERS = {
    "a_read_that_has_begun_goes_on_beside_appends",
    "a_reader_sees_what_a_writer_has_appended_since",
}
ERASED = "what_is_erased_is_gone_for_good_and_all_else_is_as_it_was"
NO_BYTE = "no_byte_of_it_stays_in_a_file"
ERASED_LATER = {
    ERASED,
    "a_read_that_has_begun_goes_on_beside_an_erasure",
    "appending_goes_on_after_an_erasure",
}
ERASED_OF_SEVERAL = {
    ERASED,
    "an_erasure_that_kill_9_ends_loses_no_other_record",
    "appending_goes_on_after_an_erasure",
    "erased_records_can_be_appended",
    "what_is_no_record_is_not_erased",
}
SEVERAL_IN_A_BATCH = {
    *READERS,
    *ERASED_LATER,
    *ERASED_OF_SEVERAL,
    ELSEWHERE,
    IN_ORDER,
    KILLED,
    OVERTAKEN,
    RANGES,
    "a_reader_and_a_closed_log_erase_nothing",
    "chain_and_tree_verify_without_the_payloads",
    "erasing_again_does_nothing",
    "a_payload_may_be_as_large_as_the_format_allows",
    "a_reader_writes_nothing",
    "one_thread_after_the_other_may_use_a_sink",
}
BROKEN = {
    "LosesTheLastRecord": (IN_ORDER, {*SEVERAL_IN_A_BATCH, TOO_MANY}),
    "IgnoresStart": (ELSEWHERE, {ELSEWHERE}),
    "ReordersABatch": (IN_ORDER, SEVERAL_IN_A_BATCH),
    "AcknowledgesEarly": (
        KILLED,
        {
            *READERS,
            *ERASED_LATER,
            "objects_do_not_mind_an_erasure",
            *(KILLED, OVERTAKEN, SAME_BYTES),
        },
    ),
    "LetsAStaleWriterIn": (OVERTAKEN, {OVERTAKEN, SAME_BYTES}),
    "ForgetsToErase": (ERASED, ERASED_OF_SEVERAL),
    "KeepsTheOldFile": (NO_BYTE, {NO_BYTE}),
}


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Failed:
    """The promises that each sink fails to keep, of one run of the kit on all of them."""
    place = tmp_path_factory.mktemp("broken")
    write(render(check_name("sink", "demo")), place / "demo")
    (place / "broken.py").write_text(SINKS)
    kit = KIT
    for name in BROKEN:
        (place / f"hook_{name}.py").write_text(HOOK.format(name=name))
        kit += f'\nclass Test{name}(Kit):\n    plugin_module = "hook_{name}"\n'
    (place / "test_kit.py").write_text(kit)
    return run_kit(place)


def run_kit(place: Path) -> Failed:
    report = place / "report.xml"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "test_kit.py", "-q", "-p", "no:cacheprovider"),
            *("-k", f"not ({LEFT_OUT})", f"--junitxml={report}", f"--basetemp={place / 'logs'}"),
        ],
        cwd=place,
        env={
            "PATH": os.environ["PATH"],
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": os.pathsep.join([str(place), str(place / "demo")]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    found: Failed = {name: set() for name in ("Honest", *BROKEN)}
    for case in ET.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            name = case.attrib["classname"].removeprefix("test_kit.Test")
            found[name].add(case.attrib["name"].removeprefix("test_"))
    return found


def test_the_honest_sink_keeps_every_promise(failed: Failed) -> None:
    assert failed["Honest"] == set()


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_sink_fails_on_the_promise_that_it_breaks(failed: Failed, name: str) -> None:
    promise, all_broken = BROKEN[name]
    assert promise in failed[name]
    assert failed[name] == all_broken
