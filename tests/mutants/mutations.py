"""What is broken, one thing at a time, and which tests must fail of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

REPOSITORY: Final = Path(__file__).parents[2]
FILE, S3 = "plugins/sink_file", "plugins/sink_s3"
SIMULATION: Final = "tests/unit/simulation"


class Mutation(NamedTuple):
    """One fault.

    Attributes:
        name: what is done wrong.
        file: that is changed.
        before: text that stands there once.
        after: what stands there then.
        tests: directories or files, of which a test must fail.
    """

    name: str
    file: str
    before: str
    after: str
    tests: str


MUTATIONS: Final = (
    Mutation(
        "the file sink says that a batch is durable before it is",
        f"{FILE}/rynxs_sink_file/open_segment.py",
        "            system().fdatasync(self._descriptor)\n",
        "",
        f"{FILE}/tests",
    ),
    Mutation(
        "the entries of a directory are not flushed",
        f"{FILE}/rynxs_sink_file/durable.py",
        "path, _DIRECTORY)\n    try:\n        system().fsync(descriptor)\n",
        "path, _DIRECTORY)\n    try:\n        pass\n",
        f"{FILE}/tests",
    ),
    Mutation(
        "a batch that could not be flushed is left where it is",
        f"{FILE}/rynxs_sink_file/open_segment.py",
        "            system().ftruncate(self._descriptor, self.end)\n",
        "",
        f"{FILE}/tests",
    ),
    Mutation(
        "a batch's object replaces one that is there",
        f"{S3}/rynxs_sink_s3/bucket.py",
        'self._put(key, data, {"IfNoneMatch": "*", **(extra or {})}, self.patience)',
        "self._put(key, data, dict(extra or {}), self.patience)",
        f"{S3}/tests",
    ),
    Mutation(
        "412 is taken as success, whoever's object it is",
        f"{S3}/rynxs_sink_s3/writer.py",
        "self._own(start, data) if isinstance(outcome, Refused) else outcome",
        "self._bucket.fetch(key_of(start), OBJECT_SIZE_MAX).etag if isinstance(outcome, Refused) "
        "else outcome",
        f"{S3}/tests",
    ),
    Mutation(
        "other bytes may follow a batch that may still arrive",
        f"{S3}/rynxs_sink_s3/writer.py",
        "        if self._in_doubt not in {None, data}:\n",
        "        if False:\n",
        f"{S3}/tests",
    ),
    Mutation(
        "the hint is believed, whatever a listing says",
        f"{S3}/rynxs_sink_s3/tail.py",
        "        hinted = None if starts.seqs else batches.fetch(hint.first)\n",
        "        hinted = batches.fetch(hint.first)\n",
        f"{S3}/tests",
    ),
    Mutation(
        "a writer appends where somebody else has",
        f"{S3}/rynxs_sink_s3/writer.py",
        '        if start != size:\n            raise SinkConflict(f"append at {start}, but',
        '        if False:\n            raise SinkConflict(f"append at {start}, but',
        f"{S3}/tests",
    ),
    Mutation(
        "the links of the chain are not looked at",
        "rynxs/eventlog/chain.py",
        "            and previous == (self.tip.head, *leaves[:-1])\n",
        "",
        "tests/unit/eventlog",
    ),
    Mutation(
        "payloads are not hashed",
        "rynxs/eventlog/chain.py",
        "            and _payloads_hold(sizes, hashes, records)\n",
        "",
        "tests/unit/eventlog",
    ),
    Mutation(
        "a header may be written in more than one way",
        "rynxs/eventlog/chain.py",
        "            and [len(record[0]) for record in records] == _shortest_sizes(columns)\n",
        "",
        "tests/unit/eventlog",
    ),
    Mutation(
        "time may go back within a batch",
        "rynxs/eventlog/chain.py",
        "            and all(map(le, times, times[1:]))\n",
        "",
        "tests/unit/eventlog",
    ),
    Mutation(
        "the epoch may go back between batches",
        "rynxs/eventlog/chain.py",
        "            and self.tip.epoch <= epochs[0]\n",
        "",
        "tests/unit/eventlog",
    ),
    Mutation(
        "a leaf is hashed as a node could be",
        "rynxs/eventlog/record.py",
        '    return sha256(b"\\x00" + header).digest()\n',
        "    return sha256(header).digest()\n",
        "tests/unit/eventlog",
    ),
    Mutation(
        "right and left are swapped in the tree",
        "rynxs/eventlog/merkle.py",
        "            root = node_hash(nodes.pop(), root)\n",
        "            root = node_hash(root, nodes.pop())\n",
        "tests/unit/eventlog",
    ),
    Mutation(
        "a leader begins with an epoch that objects have passed",
        "rynxs/operator/takeover.py",
        "    pipeline.take_lead(known.epoch, more)\n",
        "    pipeline.take_lead(0, more)\n",
        "tests/unit/operator",
    ),
    Mutation(
        "a log that has lost records is led",
        "rynxs/operator/takeover.py",
        "    if known.seq >= size and not accept_loss:\n",
        "    if False:\n",
        "tests/unit/operator",
    ),
    Mutation(
        "an object is written after the lead is lost",
        "rynxs/operator/writer.py",
        "        self._may_write()\n",
        "",
        "tests/unit/operator",
    ),
    Mutation(
        "an update does not say which version it was made for",
        "rynxs/operator/reconciling.py",
        'for name in ("resourceVersion", "uid")}',
        'for name in ("uid",)}',
        "tests/unit/operator",
    ),
    Mutation(
        "what belongs to another log is taken over",
        "rynxs/operator/reconciling.py",
        "stamp.origin in {self.origin, self.predecessor}",
        "bool(stamp.origin)",
        "tests/unit/operator",
    ),
    Mutation(
        "a plan is handed out before it is durable",
        "rynxs/operator/leader.py",
        "                await self._append(entries, told)\n            self._hand_out(plans)\n",
        "                for plan in self._pipeline.acknowledge(self._log.size + len(entries)):\n"
        "                    plans.want(self._asked(*plan[:3]), None)\n"
        "                await self._append(entries, told)\n",
        SIMULATION,
    ),
    Mutation(
        "a replica that stands by ends when the log ends in what was never acknowledged",
        "rynxs/operator/standby.py",
        "        except SinkUnfinished as error:\n",
        "        except KeyError as error:\n",
        "tests/unit/operator",
    ),
    Mutation(
        "whoever takes the lead begins no epoch",
        "rynxs/operator/takeover.py",
        "    pipeline.take_lead(known.epoch, more)\n    pipeline.record",
        "    pipeline.resume()\n    pipeline.record",
        SIMULATION,
    ),
    Mutation(
        "an observation that says nothing new is recorded",
        "rynxs/engine/pipeline.py",
        "            if canonical.encode(facts) == canonical.encode(observation.facts):\n",
        "            if False:\n",
        "tests/unit/engine",
    ),
    Mutation(
        "replay does not compare what it recomputes",
        "rynxs/engine/replay.py",
        "        elif recorded[identifier] != manifest.entry():\n",
        "        elif False:\n",
        "tests/unit/engine",
    ),
    Mutation(
        "a log that another writer has gone on with is taken for a damaged one",
        "rynxs/eventlog/witness.py",
        "            self._refuse_overtaken(chain.size)\n",
        "",
        f"{S3}/tests/test_s3_opening.py",
    ),
    Mutation(
        "a checkpoint that could not be published waits for the next one's time",
        "rynxs/operator/upkeep.py",
        " + delay_s(self._failures, self._checkpoint_s)\n",
        " + self._checkpoint_s\n",
        "tests/unit/operator/test_upkeep.py",
    ),
)
