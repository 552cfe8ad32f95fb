"""How does a call become a trace? When it is over, whole, with the times that were stored."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator

from voicecall.sdk import CallEvent, CallFinished, EventSink, SinkContext, WebhookHandled
from voicecall_sink_otel.spans import Span, call_span

if TYPE_CHECKING:
    from voicecall_sink_otel.plugin import OtelConfig

REMEMBERED_WEBHOOKS = 5000
"""Of all calls together; the oldest are forgotten."""

_NANOSECONDS = 1_000_000


@asynccontextmanager
async def opened(config: OtelConfig, context: SinkContext) -> AsyncIterator[OtelSink]:
    """The sink; its last traces are sent in a thread while it closes."""
    ids = _CallIds()
    provider = TracerProvider(
        id_generator=ids,
        resource=Resource({SERVICE_NAME: config.service_name}),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(
        endpoint=f"{config.endpoint}/v1/traces",
        headers={name: value.get_secret_value() for name, value in config.headers.items()},
        timeout=config.timeout_seconds,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield OtelSink(provider.get_tracer("voicecall"), ids, context)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(provider.shutdown)


class OtelSink(EventSink):
    """Makes the trace of every call that ends."""

    def __init__(self, tracer: trace.Tracer, ids: _CallIds, context: SinkContext) -> None:
        self._tracer = tracer
        self._ids = ids
        self._showing = context.showing
        self._webhooks: deque[WebhookHandled] = deque(maxlen=REMEMBERED_WEBHOOKS)

    def webhook_handled(self, webhook: WebhookHandled) -> None:
        """Keep `webhook` for the trace of its call."""
        self._webhooks.append(webhook)

    async def write(self, event: CallEvent) -> None:
        """Queue the trace of a call that ended; the collector is a thread's affair."""
        if not isinstance(event, CallFinished):
            return
        call = await self._showing.call(event.call_id)
        if call is not None:
            self._ids.trace_id = int(event.call_id.replace("-", ""), 16)
            carrier_id = call.get("providerCallId")
            webhooks = [each for each in self._webhooks if each.carrier_call_id == carrier_id]
            self._make(call_span(dict[str, Any](call), webhooks), None)

    def _make(self, span: Span, above: trace.Span | None) -> None:
        made = self._tracer.start_span(
            span.name,
            context=Context() if above is None else trace.set_span_in_context(above, Context()),
            attributes=_known(span.attributes),
            start_time=span.start * _NANOSECONDS,
        )
        for child in span.children:
            self._make(child, made)
        if span.failed:
            made.set_status(trace.StatusCode.ERROR)
        made.end(span.end * _NANOSECONDS)


class _CallIds(IdGenerator):
    """A trace id is the id of the call that is being told."""

    def __init__(self) -> None:
        self.trace_id = 0
        self._random = RandomIdGenerator()

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self._random.generate_span_id()


def _known(attributes: Mapping[str, str | int]) -> dict[str, str | int]:
    return {name: value for name, value in attributes.items() if value != ""}
