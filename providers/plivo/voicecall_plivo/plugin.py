"""What does this distribution offer? The provider `plivo`."""

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
from voicecall_plivo.config import PlivoConfig


@asynccontextmanager
async def _open(config: PlivoConfig, context: ProviderContext) -> AsyncIterator[CallProvider]:
    from voicecall_plivo.provider import PlivoProvider

    yield PlivoProvider(config, context)


def _is_double(config: PlivoConfig) -> bool:
    return leads_here(config.api_base_url)


@hookimpl
def voicecall_providers() -> list[ProviderSpec]:
    """Plivo."""
    return [
        ProviderSpec(
            name="plivo",
            summary="Plivo",
            config=PlivoConfig,
            open=_open,
            capabilities=frozenset(Capability),
            signature_header="x-plivo-signature-v3-nonce",
            other_signature_headers=("x-plivo-signature-v2-nonce",),
            steers_by_document=True,
            is_double=_is_double,
            environment={"authId": "PLIVO_AUTH_ID", "authToken": "PLIVO_AUTH_TOKEN"},
            root_environment={"fromNumber": "PLIVO_FROM_NUMBER"},
        )
    ]
