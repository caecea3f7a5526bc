"""An interrupt at any moment ends the command as a user of a terminal expects it."""

from __future__ import annotations

import signal
import subprocess
import sys

INTERRUPTED_WHILE_READ = """
import os, signal, sys

class Interrupts:
    def find_spec(self, name, *_):
        if name == "rynxs.cli.main":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupts())
from rynxs.cli.start import main
main()
"""


def test_an_interrupt_while_modules_are_read_ends_the_command_without_a_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHILE_READ], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_who_has_started_it_in_the_background_is_not_overruled() -> None:
    ignored = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN){INTERRUPTED_WHILE_READ}"
    done = subprocess.run(
        [sys.executable, "-c", ignored, "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("rynxs ")
