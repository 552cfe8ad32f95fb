"""Would a call work? What the selected plugins and the carrier say; nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from voicecall.config.loaded import LoadedConfig, Selected
from voicecall.errors import CarrierError
from voicecall.opening import Opener
from voicecall.outside import DatedClient, check_clock, check_url
from voicecall.sdk.clock import SystemClock
from voicecall.sdk.http import HttpClient
from voicecall.sdk.provider import Finding, Severity
from voicecall.sdk.specs import PluginSpec
from voicecall.web.http_client import open_http_client
from voicecall.webhooks.origin import PublicUrls


def check_plugins(loaded: LoadedConfig, *, today: date) -> list[Finding]:
    """What the selected plugins say about their sections, each finding once; no network."""
    found: dict[Finding, None] = {}
    for chosen in loaded.selection.all():
        found.update(dict.fromkeys(_findings(chosen, today)))
    return list(found)


def _findings(chosen: Selected[PluginSpec], today: date) -> Sequence[Finding]:
    try:
        return chosen.spec.findings(chosen.config, today)
    except Exception as error:
        subject = f"{chosen.spec.kind} {chosen.spec.name}"
        message = f"its findings could not be asked for: {type(error).__name__}: {error}"
        return [Finding(severity=Severity.WARNING, subject=subject, message=message)]


async def check_carrier(loaded: LoadedConfig) -> Sequence[Finding]:
    """What the provider of `loaded` finds, read-only; beside a running gateway too.

    Raises:
        PluginError: the provider, or the exposure that names the callback URLs, does not open.
    """
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(open_http_client())
        return (await _asked(loaded, http, stack))[0]


async def check_outside(loaded: LoadedConfig) -> Sequence[Finding]:
    """`check_carrier`, whether our public URL answers, and whether our clock is right.

    Raises:
        PluginError: as `check_carrier`.
    """
    async with AsyncExitStack() as stack:
        http = DatedClient(await stack.enter_async_context(open_http_client()))
        found, urls = await _asked(loaded, http, stack)
        if urls is not None and loaded.exposure is not None:
            found = [*found, await check_url(urls.webhook(), http)]
        return [*found, *check_clock(http.skews)]


async def _asked(
    loaded: LoadedConfig, http: HttpClient, stack: AsyncExitStack
) -> tuple[Sequence[Finding], PublicUrls | None]:
    """What the provider finds, and where carriers reach us, if that could be told."""
    serve, provider = loaded.settings.serve, loaded.provider
    opener = Opener(
        loaded,
        state_dir=Path(stack.enter_context(TemporaryDirectory())),
        clock=SystemClock(provider.spec.time_scale(provider.config)),
        http=http,
        stack=stack,
    )
    here = f"http://{serve.bind}:{serve.port}"
    urls = None
    try:
        urls = await opener.public_urls(here=here, host=serve.bind, port=serve.port)
        return await (await opener.provider(urls)).check(), urls
    except CarrierError as error:
        subject = provider.spec.name
        failure = Finding(severity=Severity.ERROR, subject=subject, message=error.message)
        return [failure], urls
