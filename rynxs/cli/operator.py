"""``rynxs operator``: watch a cluster, record what happens, and bring it to what is planned."""

from __future__ import annotations

import logging
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from rynxs.cli.options import ConfigOption, LogOption, SignerOption, configured

if TYPE_CHECKING:
    from rynxs.config import Config
    from rynxs.sources import Sources


def command(
    log: LogOption = None,
    signer: SignerOption = None,
    kubeconfig: Annotated[
        str | None,
        typer.Option(
            "--kubeconfig",
            metavar="FILE",
            help="How to reach the cluster; default is the pod's account, or what kubectl uses.",
            show_default=False,
        ),
    ] = None,
    plan_only: Annotated[
        bool,
        typer.Option(
            "--plan-only",
            help="Record and show what would be done, on standard output; write nothing to the "
            "cluster but the Lease, if there is one.",
        ),
    ] = False,
    accept_loss: Annotated[
        str | None,
        typer.Option(
            "--accept-loss",
            metavar="REASON",
            help="Lead although objects in the cluster come from records that the log has lost; "
            "the reason is recorded.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Run one replica of the operator, until it is told to end (SIGTERM, SIGINT).

    It waits while somebody else leads. It ends with status 3 when it led and somebody else does
    now, or the log's storage failed, and with 1 when the log does not verify.
    """
    import asyncio

    from rynxs.cli.logs import last_line, set_up_logs
    from rynxs.embedded.turn import check_reason
    from rynxs.sources import system_sources

    set_up_logs(logging.INFO)
    with last_line("rynxs.operator"):
        if accept_loss is not None:
            check_reason(accept_loss, "--accept-loss")
        chosen = configured(config, log, signer)
        sources = system_sources()
        chosen.signers(sources)  # used when this replica leads, and that may be much later
        name = f"{sources.identity}/{sources.entropy.token(4).hex()}"
        sources = sources._replace(identity=name)
        asyncio.run(_operate(chosen, sources, kubeconfig, plan_only, accept_loss or ""))


async def _operate(
    config: Config, sources: Sources, kubeconfig: str | None, plan_only: bool, accept_loss: str
) -> None:
    import asyncio

    from rynxs import __version__
    from rynxs.sources import boot_s

    _require_extra()
    from rynxs.operator.access import find_access, own_namespace
    from rynxs.operator.following import watched_members
    from rynxs.operator.kubernetes import KubernetesCluster
    from rynxs.operator.process import Process, Wanted
    from rynxs.operator.transport import Transport

    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    access = await find_access(kubeconfig, loop.time)
    agent = f"rynxs/{__version__} ({sources.identity})"
    statuses = watched_members(config.composition())
    cluster = KubernetesCluster(Transport(access, agent), statuses)
    wanted = Wanted(_show if plan_only else None, accept_loss, own_namespace())
    try:
        await Process(config, sources, cluster, access, wanted, boot_s).run(stopping)
    finally:
        await cluster.close()


def _require_extra() -> None:
    """Say what to install if the operator's own dependencies are missing.

    Raises:
        UsageError: they are.
    """
    from importlib.util import find_spec

    from rynxs.errors import UsageError

    needed = ("aiohttp", "kopf", "kubernetes_asyncio", "prometheus_client")
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"the operator needs {', '.join(missing)}, not installed here; "
            "pip install 'rynxs[operator]'"
        )


def _show(line: str) -> None:
    from rynxs.cli.console import one_line, output

    with output():
        sys.stdout.write(f"{one_line(line)}\n")
