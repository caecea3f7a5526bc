"""A Kubernetes cluster for tests, of the real programs, on loopback."""
