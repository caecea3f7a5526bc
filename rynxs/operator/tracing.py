"""Traces by OpenTelemetry, if its API is installed (`rynxs[tracing]`); else nothing is traced.

Whether and where spans are exported is up to an SDK, as `opentelemetry-instrument` sets one up. An
attribute says which subject and record a span is about, and never what is in them.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

try:
    from opentelemetry import trace
except ImportError:
    _tracer = None
else:
    _tracer = trace.get_tracer("rynxs")


def span(name: str, **attributes: str | int) -> AbstractContextManager[Any]:
    """Return a context that is traced as a span.

    Args:
        name: of the span, such as ``append``; ``rynxs.`` is put in front.
        attributes: numbers and names, likewise.
    """
    if _tracer is None:
        return nullcontext()
    marked = {f"rynxs.{key}": value for key, value in attributes.items()}
    return _tracer.start_as_current_span(f"rynxs.{name}", attributes=marked)
