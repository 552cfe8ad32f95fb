"""What does this distribution offer? The event sink `webhooks`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator

from voicecall.sdk import EventSink, Field, Secret, Section, SinkContext, SinkSpec, hookimpl

EventName = Literal[
    "created",
    "carrier-id",
    "state",
    "greeted",
    "line",
    "turn",
    "digits",
    "machine",
    "transferred",
    "recording",
    "note",
    "finished",
    "public-url",
    "*",
]


class WebhooksConfig(Section):
    """An entry of `sinks` with `use: "webhooks"`."""

    url: str
    """Where events are posted to."""
    secret: Secret
    """The signing secret in Standard Webhooks form: `whsec_` and base64 of 24 to 64 bytes."""
    old_secret: Secret | None = None
    """The secret before, while receivers change over: both sign."""
    events: tuple[EventName, ...] = ("finished",)
    """Which events are posted; `*` is all of them."""
    allow_private_network: bool = False
    """Whether `url` may lead to loopback or into a private network."""
    timeout_seconds: float = Field(default=15.0, gt=0, le=60)
    """How long the receiver may take to answer."""
    max_waiting: int = Field(default=10_000, gt=0)
    """How many deliveries are kept for a receiver that does not answer; beyond, the oldest go."""

    @field_validator("url")
    @classmethod
    def _check_url(cls, given: str) -> str:
        parts = urlsplit(given)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an http or https URL is wanted, like https://example.com/calls")
        if parts.username or parts.password or parts.fragment:
            raise ValueError("no user, password or fragment is possible in this URL")
        return given

    @field_validator("secret", "old_secret")
    @classmethod
    def _check_secret(cls, given: SecretStr | None) -> SecretStr | None:
        from voicecall_sink_webhooks.signing import key_of

        if given is not None:
            key_of(given.get_secret_value())
        return given


@asynccontextmanager
async def open_webhooks(config: WebhooksConfig, context: SinkContext) -> AsyncIterator[EventSink]:
    """The sink with its outbox; what is not delivered when it closes is kept for the next time."""
    from voicecall_sink_webhooks.sink import opened

    async with opened(config, context) as sink:
        yield sink


@hookimpl
def voicecall_event_sinks() -> list[SinkSpec]:
    """The event sink `webhooks`: signed POSTs to a URL of yours."""
    return [
        SinkSpec(
            name="webhooks",
            summary="posts events to a URL of yours: signed, retried, kept over a restart",
            config=WebhooksConfig,
            open=open_webhooks,
        )
    ]
