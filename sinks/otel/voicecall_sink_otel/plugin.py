"""What does this distribution offer? The event sink `otel`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import field_validator

from voicecall.sdk import EventSink, Field, Secret, Section, SinkContext, SinkSpec, hookimpl


class OtelConfig(Section):
    """An entry of `sinks` with `use: "otel"`."""

    endpoint: str = "http://localhost:4318"
    """The collector's OTLP endpoint over HTTP, without `/v1/traces`."""
    headers: dict[str, Secret] = Field(default_factory=dict)
    """Headers that the collector wants, such as `authorization`."""
    service_name: str = "voicecall"
    """`service.name` of the traces."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)
    """How long the collector may take."""

    @field_validator("endpoint")
    @classmethod
    def _check_endpoint(cls, given: str) -> str:
        if not given.startswith(("http://", "https://")):
            raise ValueError("an http or https URL is wanted, like http://localhost:4318")
        return given.rstrip("/").removesuffix("/v1/traces")


@asynccontextmanager
async def open_otel(config: OtelConfig, context: SinkContext) -> AsyncIterator[EventSink]:
    """The sink; traces that wait are sent when it closes."""
    from voicecall_sink_otel.sink import opened

    async with opened(config, context) as sink:
        yield sink


@hookimpl
def voicecall_event_sinks() -> list[SinkSpec]:
    """The event sink `otel`: traces for a collector of yours."""
    return [
        SinkSpec(
            name="otel",
            summary="one OpenTelemetry trace a call, sent to a collector of yours",
            config=OtelConfig,
            open=open_otel,
            environment={"endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT"},
        )
    ]
