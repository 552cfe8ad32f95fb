"""Would a call work? What the selected carrier says about account, number and callbacks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from voicecall.config.loaded import LoadedConfig
from voicecall.errors import CarrierError
from voicecall.opening import Opener
from voicecall.sdk.clock import SystemClock
from voicecall.sdk.provider import Finding, Severity
from voicecall.web.http_client import open_http_client


async def check_carrier(loaded: LoadedConfig) -> Sequence[Finding]:
    """What the provider of `loaded` finds, read-only; beside a running gateway too.

    Raises:
        PluginError: the provider, or the exposure that names the callback URLs, does not open.
    """
    serve, provider = loaded.settings.serve, loaded.provider
    async with AsyncExitStack() as stack:
        opener = Opener(
            loaded,
            state_dir=Path(stack.enter_context(TemporaryDirectory())),
            clock=SystemClock(provider.spec.time_scale(provider.config)),
            http=await stack.enter_async_context(open_http_client()),
            stack=stack,
        )
        here = f"http://{serve.bind}:{serve.port}"
        try:
            urls = await opener.public_urls(here=here, host=serve.bind, port=serve.port)
            return await (await opener.provider(urls)).check()
        except CarrierError as error:
            subject = provider.spec.name
            return [Finding(severity=Severity.ERROR, subject=subject, message=error.message)]
