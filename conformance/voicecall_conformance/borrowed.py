"""What does the kernel lend to a provider? The same here, on loopback and with a still clock."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import quote, urlencode

import anyio
import httpx

from voicecall.sdk import (
    MULAW_8K,
    AudioFormat,
    CarrierUnreachable,
    HttpResponse,
    SpeechError,
    SttBackend,
    TtsBackend,
)

NOW = 1_800_000_000.0
"""The still clock's wall time: seconds since the epoch."""


class Urls:
    """Callback URLs of a gateway that is reachable under one public name."""

    base = "https://voice.example.test:8443/line/webhook"
    stream_base = "wss://voice.example.test:8443/line/stream"

    def webhook(self, hook: str = "", **query: str) -> str:
        """The webhook URL, with `hook` behind it and `query` escaped."""
        url = f"{self.base}/{hook}" if hook else self.base
        return f"{url}?{urlencode(query)}" if query else url

    def stream(self, token: str) -> str:
        """A media stream's URL."""
        return f"{self.stream_base}/{quote(token, safe='')}"


class StillClock:
    """Time that passes only while somebody sleeps."""

    scale = 1.0

    def __init__(self) -> None:
        self._slept = 0.0

    def wall(self) -> float:
        """Seconds since the epoch."""
        return NOW + self._slept

    def now(self) -> float:
        """Seconds since some moment."""
        return self._slept

    async def sleep(self, seconds: float) -> None:
        """Pass `seconds` at once."""
        self._slept += max(0.0, seconds)
        await anyio.lowlevel.checkpoint()


class LoopbackHttp:
    """The HTTP client of `ProviderContext`: no redirects, no retries."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        json: object | None = None,
        form: Mapping[str, str | list[str]] | None = None,
        basic_auth: tuple[str, str] | None = None,
        timeout_seconds: float = 10.0,
    ) -> HttpResponse:
        """As `voicecall.sdk.HttpClient` has it."""
        body: dict[str, Any] = {"content": content, "json": json, "data": form}
        given = {name: value for name, value in body.items() if value is not None}
        try:
            response = await self._client.request(
                method, url, headers=headers, auth=basic_auth, timeout=timeout_seconds, **given
            )
        except httpx.TransportError as error:
            raise CarrierUnreachable(f"no answer: {type(error).__name__}") from error
        return HttpResponse(
            status=response.status_code, headers=dict(response.headers), body=response.content
        )


class NoSpeech:
    """Speech backends for a provider that is not to need any."""

    def tts(
        self, name: str | None, options: Mapping[str, object]
    ) -> AbstractAsyncContextManager[TtsBackend]:
        """Refuses."""
        raise SpeechError("the conformance suite lends no speech; do without while opening")

    def stt(
        self, name: str | None, options: Mapping[str, object]
    ) -> AbstractAsyncContextManager[SttBackend]:
        """Refuses."""
        raise SpeechError("the conformance suite lends no speech; do without while opening")

    def stt_format(self, name: str | None) -> AudioFormat:
        """Any; nothing will be fed."""
        return MULAW_8K
