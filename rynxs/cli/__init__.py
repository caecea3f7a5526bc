"""The command line: one command a file, each returning its exit status."""
