"""What does this distribution offer? The responder `http`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecall.sdk import PluginContext, Responder, ResponderSpec, hookimpl
from voicecall_responder_http.config import HttpConfig


@asynccontextmanager
async def open_http(config: HttpConfig, context: PluginContext) -> AsyncIterator[Responder]:
    """The responder, with connections of its own: replies are read while they come."""
    import httpx

    from voicecall_responder_http.responder import HttpResponder

    timeout = httpx.Timeout(config.timeout_seconds, connect=5.0)
    async with httpx.AsyncClient(timeout=timeout, trust_env=False) as client:
        yield HttpResponder(config, client)


@hookimpl
def voicecall_responders() -> list[ResponderSpec]:
    """The responder `http`: a web service of yours."""
    return [
        ResponderSpec(
            name="http",
            summary="asks a web service of yours: one POST a turn, its answer is spoken",
            config=HttpConfig,
            open=open_http,
        )
    ]
