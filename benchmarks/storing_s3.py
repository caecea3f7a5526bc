"""Rows of the S3 sink, against versitygw on loopback: appends, requests, openings, verification."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

from benchmarks.appending import SOURCES
from benchmarks.bare import BareAppender
from benchmarks.bucket import BareObjects
from benchmarks.measure import alternate, rate
from benchmarks.requests import counted
from benchmarks.result import Row, at_least, bound, exactly, up_to
from benchmarks.workload import BATCH, entries, file_log, items, take
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import Log, batched
from rynxs.testing import MemorySink
from rynxs_sink_s3.batch_object import encode_object, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.bucket import LocalBucket
    from rynxs.config import Config
    from rynxs.eventlog.sink import Sink

_WARM_UP = 3
_HINT_INTERVAL = 500
_REQUESTS_HINTED = 12
_REQUESTS_UNHINTED = 64
_THREADS = 8


def batches(bucket: LocalBucket, rounds: int) -> Row:
    """Append batches to a log, and as many to bare objects, in turn."""
    source = items()
    bare = BareAppender(BareObjects(bucket, "bare-batches"))
    with closing(bucket.log_config("batches").open_writer(SOURCES)) as sink:
        log = Log.open(sink)

        def ours() -> float:
            batch = take(source)
            return rate(BATCH, lambda: log.append(entries(batch)))

        def limit() -> float:
            batch = take(source)
            return rate(BATCH, lambda: bare.append(batch))

        alternate(_WARM_UP, ours, limit)
        pair = alternate(rounds, ours, limit)
    name = f"S3: append, batches of {BATCH:,}; limit: encode, hash, one conditional PUT by boto3"
    return Row(name, "records/s", pair.ours, pair.limit, at_least(0.6))


def single(bucket: LocalBucket, rounds: int) -> Row:
    """Append one record at a time, and PUT objects of as many bytes, in turn."""
    source = items()
    bare = BareObjects(bucket, "bare-single")
    with closing(bucket.log_config("single").open_writer(SOURCES)) as sink:
        log = Log.open(sink)
        log.append(entries(take(source, 1)))
        data = b"x" * bucket.size_of(f"single/{key_of(0)}")

        def ours() -> float:
            item = take(source, 1)
            return rate(1, lambda: log.append(entries(item)))

        pair_of = (ours, lambda: rate(1, lambda: bare.write(data)))
        alternate(_WARM_UP, *pair_of)
        pair = alternate(rounds, *pair_of)
    name = "S3: append one record at a time; limit: conditional PUTs of as many bytes by boto3"
    return Row(name, "records/s", pair.ours, pair.limit, at_least(0.9))


def requests(bucket: LocalBucket, count: int) -> list[Row]:
    """Count the PUTs of appending batches of one record."""
    source = items()
    with closing(bucket.log_config("requests").open_writer(SOURCES)) as sink:
        log = Log.open(sink)
        with counted() as made:
            for _ in range(count):
                log.append(entries(take(source, 1)))
        batches_put = made.count_of("PutObject", "/log/") / count
        hints_put = made.count_of("PutObject", "/hint")
        others = len(made) - batches_put * count - hints_put
    hints_most = count // _HINT_INTERVAL
    return [
        Row("S3: PUTs below log/ for a batch", "requests", bound(batches_put), None, exactly(1)),
        Row(
            f"S3: PUTs of the hint in {count:,} batches",
            "requests",
            bound(hints_put),
            None,
            up_to(hints_most, "requests"),
        ),
        Row("S3: other requests of appending", "requests", bound(others), None, exactly(0)),
    ]


def openings(bucket: LocalBucket, sizes: tuple[int, ...]) -> Iterator[Row]:
    """Count the requests of opening logs of one-record batches, with a good hint and with none."""
    for size in sizes:
        prefix = f"opening-{size}"
        _make_log(bucket, prefix, size)
        config = bucket.log_config(prefix)
        _open(config)  # saves the frontier and leaves a hint
        yield _opening(config, f"S3: open {size:,} batches to append, good hint", _REQUESTS_HINTED)
        bucket.delete(f"{prefix}/hint")
        yield _opening(config, f"S3: open {size:,} batches to append, no hint", _REQUESTS_UNHINTED)


def verify(bucket: LocalBucket, directory: Path, size: int, chunk: int) -> list[Row]:
    """Verify one history through the S3 reader and through the file sink's, chunk by chunk."""
    config, file = bucket.log_config("verify"), file_log(directory / "s3-verify")
    with closing(config.open_writer(SOURCES)) as sink, closing(file.open_writer(SOURCES)) as other:
        log, source = Log.open(sink), items()
        while log.size < size:
            log.append(entries(take(source)))
        Log.open(other)
        for start, records in enumerate(batched(sink.read(), BATCH)):
            other.append(start * BATCH, records)
    with (
        closing(config.open_reader()) as reader,
        closing(file.open_reader()) as file_reader,
        counted() as made,
    ):
        pair = alternate(size // chunk, _verifier(reader, chunk), _verifier(file_reader, chunk))
    gets = made.count_of("GetObject", "/log/") / (size // BATCH)
    name = f"S3: verify {size:,} records; limit: the same records through the file sink's reader"
    return [
        Row(name, "records/s", pair.ours, pair.limit, at_least(0.6)),
        Row("S3: GETs for a batch of verifying", "requests", bound(gets), None, up_to(1, "GETs")),
    ]


def _verifier(reader: Sink, chunk: int) -> Callable[[], float]:
    chain, parts = Chain(), batched(reader.read())

    def verify() -> bytes:
        wanted = chain.size + chunk
        while chain.size < wanted:
            chain.verify(next(parts))
        return chain.frontier.root()

    return lambda: rate(chunk, verify)


def _make_log(bucket: LocalBucket, prefix: str, size: int) -> None:
    """Make a log of `size` batches of one record, faster than one append after the other."""
    memory = MemorySink()
    Log.open(memory).append(entries(take(items(), size)))

    def put(seq: int) -> None:
        bucket.put_new(
            f"{prefix}/{key_of(seq)}", encode_object(seq, [memory.records[seq]], bytes(16))
        )

    with ThreadPoolExecutor(_THREADS) as threads:
        for _ in threads.map(put, range(size)):
            pass


def _open(config: Config) -> None:
    with closing(config.open_writer(SOURCES)) as sink:
        log = Log.open(sink)
        log.append(entries(take(items(), 1)))
        log.save()


def _opening(config: Config, name: str, most: int) -> Row:
    with counted() as made:
        sink = config.open_writer(SOURCES)
        Log.open(sink)
    sink.close()
    return Row(name, "requests", bound(len(made)), None, up_to(most, "requests"))
