"""What does this distribution offer? The provider `mock`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecall.sdk import CallProvider, Capability, ProviderContext, ProviderSpec, hookimpl
from voicecall_mock.config import MockConfig


@asynccontextmanager
async def _open(config: MockConfig, context: ProviderContext) -> AsyncIterator[CallProvider]:
    from voicecall_mock.provider import open_provider

    async with open_provider(config, context) as provider:
        yield provider


def _time_scale(config: MockConfig) -> float:
    return config.time_scale


@hookimpl
def voicecall_providers() -> list[ProviderSpec]:
    """The simulated phone network."""
    return [
        ProviderSpec(
            name="mock",
            summary="A simulated phone network: no account, no outside network",
            config=MockConfig,
            open=_open,
            capabilities=frozenset(Capability),
            signature_header="x-mock-signature",
            needs_from_number=False,
            needs_public_url=False,
            time_scale=_time_scale,
            steers_by_document=True,
        )
    ]
