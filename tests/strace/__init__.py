"""System calls that fail, one after the other, beneath the sinks that keep a log on a file system.

strace lets a call fail, or kills the process at it. What is to be injected is not listed by hand: a
first run without a fault is recorded, and every call of it that is about the log is an occasion.
"""
