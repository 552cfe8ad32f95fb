"""How does the responder come alive? With every model that a call may name, and the memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType

import anyio
import anyio.to_thread

from voicecall.sdk import ConfigError, Responder, ResponderContext
from voicecall_responder_model.access import accesses_to
from voicecall_responder_model.config import ModelConfig
from voicecall_responder_model.memory import open_memory


@asynccontextmanager
async def opened(config: ModelConfig, context: ResponderContext) -> AsyncIterator[Responder]:
    """The responder; its connections and its memory are closed with the block.

    Raises:
        ConfigError: no model is named, a key is missing, or the memory cannot be used.
    """
    accesses = accesses_to(context.models, config)
    if not accesses:
        raise ConfigError("responder 'model' needs responseModel, for example 'openai/gpt-4o-mini'")
    # In worker threads, because what was opened before is alive already.
    vendors = await anyio.to_thread.run_sync(_vendors)
    async with (
        vendors.client_for(config) as client,
        open_memory(context.state_dir, config.memory) as memory,
    ):
        brains = {
            name: await anyio.to_thread.run_sync(vendors.brain_for, access, config, client)
            for name, access in accesses.items()
        }
        from voicecall_responder_model.responder import ModelResponder

        yield ModelResponder(config, brains, memory, clock=context.clock, logger=context.logger)


def _vendors() -> ModuleType:
    from voicecall_responder_model import vendors

    return vendors
