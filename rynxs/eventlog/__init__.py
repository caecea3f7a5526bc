"""The event log: record format, hash chain, Merkle tree, checkpoints, and the sink contract."""
