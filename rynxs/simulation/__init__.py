"""Deterministic simulation: replicas of the operator in a world of their own, made from a seed.

What runs is the production code, from the informers to the sinks. What it would ask of machines is
injected: clocks, threads, the network, the object store, the disk and the Kubernetes API. All of it
happens in one order that the seed decides, in simulated time, and so do the faults. A seed that
fails is run again exactly.

The idea is that of FoundationDB's simulator (Zhou et al., SIGMOD 2021); that each seed enables
faults of its own, and not all at once, is swarm testing (Groce et al., ISSTA 2012).
"""
