"""What does this distribution offer? The responder `command`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecall.sdk import PluginContext, Responder, ResponderSpec, hookimpl
from voicecall_responder_command.config import CommandConfig


@asynccontextmanager
async def open_command(config: CommandConfig, context: PluginContext) -> AsyncIterator[Responder]:
    """The responder; its programs are ended with it."""
    from voicecall_responder_command.responder import CommandResponder

    async with CommandResponder.opened(config, context) as responder:
        yield responder


@hookimpl
def voicecall_responders() -> list[ResponderSpec]:
    """The responder `command`: a program of yours, one process a call."""
    return [
        ResponderSpec(
            name="command",
            summary="asks a program of yours: one JSON line a turn in, replies out",
            config=CommandConfig,
            open=open_command,
        )
    ]
