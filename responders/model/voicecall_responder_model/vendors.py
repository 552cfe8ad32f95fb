"""How is a vendor's model set up? With a client of ours, so that nothing waits behind our back.

Importing the vendors' SDKs takes seconds, so each is imported where it is needed, in a worker
thread.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

import httpx2
from pydantic_ai.settings import ModelSettings

from voicecall_responder_model.access import Access
from voicecall_responder_model.brain import Brain
from voicecall_responder_model.config import ModelConfig

if TYPE_CHECKING:
    from pydantic_ai.models import Model

CONNECT_SECONDS = 5.0
KEEP_SECONDS = 120.0
"""How long an idle connection is kept: the next turn then needs no TLS handshake."""
OPENAI_URL = "https://api.openai.com/v1"
ANTHROPIC_URL = "https://api.anthropic.com"

for _library in ("openai", "anthropic", "httpx2", "httpcore2"):
    # Below this level they show headers and bodies: the key, and what was said.
    logging.getLogger(_library).setLevel(logging.WARNING)


def client_for(config: ModelConfig) -> httpx2.AsyncClient:
    """The HTTP client that all models share; the caller closes it."""
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(config.timeout_seconds, connect=CONNECT_SECONDS),
        limits=httpx2.Limits(keepalive_expiry=KEEP_SECONDS),
    )


def brain_for(access: Access, config: ModelConfig, client: httpx2.AsyncClient) -> Brain:
    """The model that `access` leads to, ready to be asked; takes seconds the first time."""
    build = _anthropic if access.api == "messages" else _openai
    settings = _settings(access, config)
    return Brain(access, build(access, client), settings, silence=config.timeout_seconds)


def _settings(access: Access, config: ModelConfig) -> ModelSettings:
    # No timeout here: it would count for connecting as well, for which the client has its own.
    settings = ModelSettings(thinking=False if config.thinking == "off" else config.thinking)
    if config.temperature is not None:
        settings["temperature"] = config.temperature
    if config.max_tokens is not None:
        settings["max_tokens"] = config.max_tokens
    if access.api == "responses":
        # Else what is said on the telephone is kept there for thirty days.
        return cast(ModelSettings, {**settings, "openai_store": False})
    return settings


def _openai(access: Access, client: httpx2.AsyncClient) -> Model:
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    sdk = AsyncOpenAI(
        api_key="none" if access.key is None else access.key.get_secret_value(),
        base_url=access.base_url or OPENAI_URL,
        http_client=client,
        max_retries=0,
    )
    # At another address nobody knows which of OpenAI's own extras are understood.
    provider = (
        OpenAIProvider(openai_client=sdk)
        if access.base_url is None
        else OpenAICompatibleProvider(access.vendor, openai_client=sdk)
    )
    kind = OpenAIResponsesModel if access.api == "responses" else OpenAIChatModel
    return kind(access.model, provider=provider)


def _anthropic(access: Access, client: httpx2.AsyncClient) -> Model:
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    assert access.key is not None  # `access_to` asks for one
    sdk = AsyncAnthropic(
        api_key=access.key.get_secret_value(),
        base_url=access.base_url or ANTHROPIC_URL,
        http_client=client,
        max_retries=0,
    )
    return AnthropicModel(access.model, provider=AnthropicProvider(anthropic_client=sdk))
