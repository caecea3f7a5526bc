"""Metrics of a process to which everything has happened that can be measured."""

from __future__ import annotations

from rynxs.operator.metrics import Metrics

AGENTS = "universe.ai/v1alpha1/Agent"


def measured() -> Metrics:
    metrics = Metrics(["Agent"], [AGENTS])
    metrics.took_over(records=40, took_s=1.5, epoch=3, kinds=["EpochStarted"])
    metrics.led()
    metrics.appended(["AgentObserved", "Planned", "FromAnotherRelease"], took_s=0.02, size=43)
    metrics.append_failed()
    metrics.planned(took_s=0.003, count=1)
    metrics.wrote("create", "ok")
    metrics.status_written("conflict")
    metrics.drifted()
    metrics.plugin_failed()
    metrics.degraded(1)
    metrics.fenced("lease")
    metrics.checkpoint_signed(size=43, time_s=1_767_225_600.5)
    metrics.watch_well(AGENTS)
    metrics.watch_failed(AGENTS)
    metrics.queue(depth=lambda: 2, oldest_s=lambda: 0.25)
    return metrics
