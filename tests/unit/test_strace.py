"""What `make strace` takes for a call about a log, and which points it tries."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from tests.strace.faults import FAULTS, Place, is_about, is_asked, place_of, points, sample
from tests.strace.tracer import parsed

TOLD = """\
rt_sigtimedwait([USR1], {si_signo=SIGUSR1, si_code=SI_USER, si_pid=9, si_uid=0}, NULL, 8) = 10
openat(AT_FDCWD</w/trial>, "/w/trial/log", O_RDONLY|O_CLOEXEC) = 6</w/trial/log>
openat(AT_FDCWD</>, "/usr/lib/x.py", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)
openat(AT_FDCWD</>, "/w", O_RDONLY|O_DIRECTORY) = -1 EIO (Input/output error) (INJECTED)
fsync(6</w/trial/log (deleted)>)        = 0
rename("/w/trial/.a.tmp", "/w/trial/a") = ?
sendto(4<socket:[4138085]>, ""..., 11, 0, NULL, 0) = 11
mmap(NULL, 65536, PROT_READ, MAP_SHARED, 8</w/trial/log>, 0) = 0x7eff35c80000
mmap(NULL, 65536, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7eff35d00000
msync(0x7eff35c81000, 4096, MS_SYNC)    = 0
munmap(0x7eff35c80000, 65536)           = 0
munmap(0x7eff35c80000, 65536)           = 0
+++ killed by SIGKILL +++
"""
DIRECTORY = PurePath("/w/trial")


def test_a_call_is_about_the_log_when_it_names_what_is_below_its_directory_or_above() -> None:
    calls = [(call.name, call.nth) for call in parsed(TOLD) if is_about(call, DIRECTORY)]
    assert calls == [
        *(("openat", 1), ("openat", 3), ("fsync", 1), ("rename", 1)),
        *(("mmap", 1), ("msync", 1), ("munmap", 1)),
    ]


def test_a_place_is_the_same_in_each_directory() -> None:
    elsewhere = TOLD.replace("/w/trial", "/v/other")
    for one, other in zip(parsed(TOLD), parsed(elsewhere), strict=True):
        assert place_of(one, DIRECTORY) == place_of(other, PurePath("/v/other"))
    (renamed,) = (call for call in parsed(TOLD) if call.name == "rename")
    assert place_of(renamed, DIRECTORY) == Place("rename", 1, (".a.tmp", "a"))


def test_an_injected_error_is_told_from_one_of_the_system() -> None:
    assert [call.line[:14] for call in parsed(TOLD) if call.is_injected] == ["openat(AT_FDCW"]


def test_a_sample_has_as_many_points_and_some_of_each_call() -> None:
    names = ("fsync",) * 50 + ("rename", "mkdir")
    places = [Place(name, nth, ()) for nth, name in enumerate(names, 1)]
    found = list(points("file", "new", places))
    assert len(found) == 52 * len(FAULTS)
    taken = sample(found, 9, 0)
    assert [point for point in found if point in taken] == list(taken)
    assert sorted(point.place.name for point in taken) == sorted(names[-3:] * 3)
    assert taken == sample(found, 9, 0)
    assert taken != sample(found, 9, 1)
    assert sample(found, 1_000, 0) == found


@pytest.mark.parametrize(
    ("asked", "is_wanted"),
    [
        ([], True),
        (["file"], True),
        (["file/new/fsync/1/EIO"], True),
        (["lmdb", "file/new/fsync"], True),
        (["file/new/fsync/10"], False),
        (["fil"], False),
    ],
)
def test_a_point_is_asked_for_by_its_name_or_the_beginning_of_it(
    asked: list[str], is_wanted: bool
) -> None:
    assert is_asked("file/new/fsync/1/EIO", asked) == is_wanted


def test_a_fault_lasts_or_happens_once() -> None:
    injected = {fault.name: fault.injected("fsync", 7) for fault in FAULTS}
    assert injected == {
        "EIO": "inject=fsync:error=EIO:when=7",
        "EIO-lasting": "inject=fsync:error=EIO:when=7+",
        "ENOSPC": "inject=fsync:error=ENOSPC:when=7",
        "ENOSPC-lasting": "inject=fsync:error=ENOSPC:when=7+",
        "EINTR": "inject=fsync:error=EINTR:when=7",
        "SIGKILL": "inject=fsync:signal=SIGKILL:when=7",
    }
