"""Benchmarks: what the event log costs, as ratios to bare loops measured in the same run."""
