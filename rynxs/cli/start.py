"""The entry point of ``rynxs``: an interrupt while its modules are read ends it without a word."""

from __future__ import annotations

import signal


def main() -> None:
    """Read the command line's modules, and run it."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # and not ignored, as in the background
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from rynxs.cli.main import main as run

    signal.signal(signal.SIGINT, handler)
    run()
