"""What does this distribution offer? The event sink `jsonl`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecall.sdk import EventSink, Field, Section, SinkContext, SinkSpec, hookimpl


class JsonlConfig(Section):
    """An entry of `sinks` with `use: "jsonl"`."""

    path: str | None = None
    """The file; `~` is the home directory. Unset: `events.jsonl` in the state directory."""
    max_bytes: int = Field(default=50_000_000, gt=0)
    """At this size the file becomes `NAME.1`, `NAME.1` becomes `NAME.2`, and so on."""
    keep: int = Field(default=5, ge=1)
    """How many full files are kept."""
    partials: bool = False
    """Whether what a caller seems to be saying is written too, before it is certain."""


@asynccontextmanager
async def open_jsonl(config: JsonlConfig, context: SinkContext) -> AsyncIterator[EventSink]:
    """The sink; its directory must exist and be ours to write."""
    from voicecall_sink_jsonl.sink import JsonlSink

    sink = JsonlSink(config, context)
    await sink.prepare()
    yield sink


@hookimpl
def voicecall_event_sinks() -> list[SinkSpec]:
    """The event sink `jsonl`: a file that only its owner reads."""
    return [
        SinkSpec(
            name="jsonl",
            summary="every event of every call as a line of JSON, in files that rotate",
            config=JsonlConfig,
            open=open_jsonl,
        )
    ]
