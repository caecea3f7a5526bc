"""Traces say which subject and record something is about, and only where somebody wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from rynxs.operator import tracing
from rynxs.operator.tracing import span
from tests.unit.operator.rig import SUBJECT, Rig, asked, config
from tests.unit.operator.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What is exported by an SDK that somebody has set up."""
    made, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(made))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("rynxs"))
    yield made
    provider.shutdown()


def test_applying_a_plan_is_a_span_that_names_its_record_and_holds_nothing_of_it(
    exporter: InMemorySpanExporter,
) -> None:
    async def main() -> None:
        await Rig().bring_about(asked(7, config(secret="not for a trace")))

    run(main())
    spans = exporter.get_finished_spans()
    assert {each.name for each in spans} == {"rynxs.apply"}
    assert dict(spans[0].attributes or {}) == {
        "rynxs.subject": SUBJECT,
        "rynxs.seq": 7,
        "rynxs.epoch": 1,
    }
    assert "not for a trace" not in str([each.to_json() for each in spans])


def test_what_goes_wrong_in_a_span_is_raised_and_told(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(KeyError), span("append", seq=1):
        raise KeyError
    (found,) = exporter.get_finished_spans()
    assert not found.status.is_ok


def test_without_the_api_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_tracer", None)
    with span("append", seq=1) as nothing:
        assert nothing is None
