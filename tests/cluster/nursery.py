"""Forks replicas from a process that has imported everything once, one after the other.

It is told by lines of JSON on standard input what to run, and answers with the process's number,
and with its exit status when it has ended.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rynxs.cli.main import invoke
from rynxs.config import load_config
from rynxs.plugins import PluginManager
from tests.cluster.crash_points import MODULES, Points

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn


DEFECT = 70
IMPORTED_LATE = (
    "rynxs.cli.operator",
    "rynxs.operator.access",
    "rynxs.operator.kubernetes",
    "rynxs.operator.process",
    "rynxs.operator.transport",
    "rynxs_sink_s3.client",
)
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND


def main() -> None:
    """Serve until there are no more lines."""
    for name in (*MODULES, *IMPORTED_LATE):
        import_module(name)
    load_config(None, PluginManager()).composition()
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _live(json.loads(line))
        _say(pid)
        _, ended = os.waitpid(pid, 0)
        _say(os.waitstatus_to_exitcode(ended))


def _live(asked: Mapping[str, Any]) -> NoReturn:
    """Be a replica."""
    status = DEFECT
    try:
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["directory"])
        files = (os.devnull, os.O_RDONLY), (asked["output"], _APPEND), (asked["errors"], _APPEND)
        for number, (file, flags) in enumerate(files):
            opened = os.open(file, flags, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        points = Points(asked["point"], asked["times"])
        points.watch()
        sys.argv = asked["command"]
        status = invoke()
        Path(asked["counts"]).write_text(json.dumps(points.counts))
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _say(number: int) -> None:
    os.write(1, f"{number}\n".encode())


if __name__ == "__main__":
    main()
