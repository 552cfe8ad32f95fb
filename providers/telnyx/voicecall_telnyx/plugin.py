"""What does this distribution offer? The provider `telnyx`."""

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
from voicecall_telnyx.config import TelnyxConfig


@asynccontextmanager
async def _open(config: TelnyxConfig, context: ProviderContext) -> AsyncIterator[CallProvider]:
    from voicecall_telnyx.provider import TelnyxProvider

    yield TelnyxProvider(config, context)


def _is_double(config: TelnyxConfig) -> bool:
    return leads_here(config.api_base_url)


@hookimpl
def voicecall_providers() -> list[ProviderSpec]:
    """Telnyx Call Control v2."""
    return [
        ProviderSpec(
            name="telnyx",
            summary="Telnyx Call Control v2",
            config=TelnyxConfig,
            open=_open,
            capabilities=frozenset(Capability),
            signature_header="telnyx-signature-ed25519",
            is_double=_is_double,
            environment={
                "apiKey": "TELNYX_API_KEY",
                "connectionId": "TELNYX_CONNECTION_ID",
                "publicKey": "TELNYX_PUBLIC_KEY",
            },
            root_environment={"fromNumber": "TELNYX_FROM_NUMBER"},
        )
    ]
