"""What does this distribution offer? The provider `acme`; light, for it is imported early."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecall.sdk import CallProvider, Capability, ProviderContext, ProviderSpec, hookimpl
from voicecall_acme.config import AcmeConfig


@asynccontextmanager
async def opened(config: AcmeConfig, context: ProviderContext) -> AsyncIterator[CallProvider]:
    """The live provider. What takes time to import is imported here, and closed after the yield."""
    from voicecall_acme.provider import AcmeProvider

    yield AcmeProvider(config, context)


@hookimpl
def voicecall_providers() -> list[ProviderSpec]:
    """Acme, which neither transfers calls nor finds answering machines."""
    return [
        ProviderSpec(
            name="acme",
            summary="Acme Telephone",
            config=AcmeConfig,
            open=opened,
            capabilities=frozenset(
                {
                    Capability.INBOUND,
                    Capability.MEDIA_STREAMS,
                    Capability.NATIVE_SPEECH,
                    Capability.NATIVE_LISTENING,
                    Capability.SEND_DIGITS,
                }
            ),
            signature_header="x-acme-signature",
            environment={"apiKey": "ACME_API_KEY", "signingKey": "ACME_SIGNING_KEY"},
            root_environment={"fromNumber": "ACME_FROM_NUMBER"},
        )
    ]
