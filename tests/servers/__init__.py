"""S3 servers for tests and benchmarks: real ones, one in this process, and ones that misbehave."""
