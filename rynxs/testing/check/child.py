"""``python -m rynxs.testing.check.child PLACE``: runs the kit that an order on its input asks for.

It works in the directory PLACE, reports on its standard output, and takes nothing from the files
and the environment by which users configure their own tests.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from rynxs.errors import RynxsError
from rynxs.testing.check.places import make_a_log
from rynxs.testing.check.promise import Order
from rynxs.testing.check.reporter import Reporter

_INI = "[pytest]\ntmp_path_retention_policy = none\n"
_MODULE = """
from rynxs.testing.check.kits import kit_of
from rynxs.testing.check.promise import Order

TestPlugin = kit_of(Order.from_json({order!r}))
"""


def main(place: Path) -> int:
    """Run the kit and return pytest's exit status."""
    reports = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # What pytest and the plugin print is nobody's affair.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    order, reporter = Order.from_json(sys.stdin.read()), Reporter(reports)
    if order.family == "sink":
        try:
            make_a_log(order, place / "first")
        except RynxsError as error:
            reporter.give_up(error)
            return error.exit_code
    return int(pytest.main(_arguments(order, place), plugins=[reporter]))


def _arguments(order: Order, place: Path) -> list[str]:
    """Write the kit as a test module; return pytest's arguments."""
    module, ini = place / "test_plugin.py", place / "pytest.ini"
    module.write_text(_MODULE.format(order=order.as_json()), encoding="utf-8")
    ini.write_text(_INI, encoding="utf-8")
    options = ["-c", ini, "--rootdir", place, "--basetemp", place / "logs", "--noconftest"]
    plugins = ["-p", "no:cacheprovider", "--color=no", "--import-mode=importlib"]
    return [str(argument) for argument in (*options, *plugins, module)]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
