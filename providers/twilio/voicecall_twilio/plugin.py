"""What does this distribution offer? The provider `twilio`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecall.sdk import (
    CallProvider,
    Capability,
    ProviderContext,
    ProviderSpec,
    hookimpl,
    leads_here,
)
from voicecall_twilio.config import TwilioConfig


def _load() -> None:
    """Import the vendor's SDK; it takes most of a second, so no event loop waits for it."""
    from voicecall_twilio.provider import warm_up

    warm_up()


@asynccontextmanager
async def _open(config: TwilioConfig, context: ProviderContext) -> AsyncIterator[CallProvider]:
    from anyio import to_thread

    await to_thread.run_sync(_load)
    from voicecall_twilio.provider import TwilioProvider

    yield TwilioProvider(config, context)


def _is_double(config: TwilioConfig) -> bool:
    return config.api_base_url is not None and leads_here(config.api_base_url)


@hookimpl
def voicecall_providers() -> list[ProviderSpec]:
    """Twilio."""
    return [
        ProviderSpec(
            name="twilio",
            summary="Twilio Programmable Voice",
            config=TwilioConfig,
            open=_open,
            capabilities=frozenset(Capability),
            signature_header="x-twilio-signature",
            is_double=_is_double,
            environment={
                "accountSid": "TWILIO_ACCOUNT_SID",
                "authToken": "TWILIO_AUTH_TOKEN",
            },
            root_environment={"fromNumber": "TWILIO_FROM_NUMBER"},
            steers_by_document=True,
            digits_end_stream=True,
        )
    ]
