"""What does this distribution offer? The responder `model`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecall.sdk import Responder, ResponderContext, ResponderSpec, hookimpl
from voicecall_responder_model.access import VARIABLES, model_faults
from voicecall_responder_model.config import ModelConfig


@asynccontextmanager
async def open_model(config: ModelConfig, context: ResponderContext) -> AsyncIterator[Responder]:
    """The responder, ready for every model that a call may name."""
    from voicecall_responder_model.opening import opened

    async with opened(config, context) as responder:
        yield responder


@hookimpl
def voicecall_responders() -> list[ResponderSpec]:
    """The responder `model`: a language model, by its name in `responseModel`."""
    return [
        ResponderSpec(
            name="model",
            summary="asks a language model: OpenAI's, Anthropic's or an OpenAI-compatible server's",
            config=ModelConfig,
            open=open_model,
            model_faults=model_faults,
            environment={f"vendors.{vendor}.apiKey": name for vendor, name in VARIABLES.items()},
        )
    ]
