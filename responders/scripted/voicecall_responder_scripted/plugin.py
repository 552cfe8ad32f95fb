"""What does this distribution offer? The responder `scripted`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecall.sdk import PluginContext, Responder, ResponderSpec, hookimpl
from voicecall_responder_scripted.config import ScriptedConfig
from voicecall_responder_scripted.responder import ScriptedResponder


@asynccontextmanager
async def open_scripted(config: ScriptedConfig, context: PluginContext) -> AsyncIterator[Responder]:
    """The responder; nothing to close."""
    yield ScriptedResponder(config)


@hookimpl
def voicecall_responders() -> list[ResponderSpec]:
    """The responder `scripted`: fixed lines, for demonstrations, menus and tests."""
    return [
        ResponderSpec(
            name="scripted",
            summary="says fixed lines, turn by turn or by what the caller says",
            config=ScriptedConfig,
            open=open_scripted,
        )
    ]
