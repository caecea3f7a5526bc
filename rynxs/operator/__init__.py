"""The operator: the shell that runs the pipeline in a cluster, one leader at a time."""
