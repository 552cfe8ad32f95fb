"""How does anybody prove the backend? `voicecall conformance stt:openai`, beside the double."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from voicecall.sdk import SttBackend, SttContext, SttSpec
from voicecall_conformance import SAID_TEXTS, SttHarness, Trouble
from voicecall_conformance.speech.stt.spelling import spelled
from voicecall_stt_openai.config import OpenAiSttConfig
from voicecall_stt_openai.testing import KEY, Behaviour, OpenAiDouble, openai_double

QUOTING = {"message": f"{KEY} may not say {SAID_TEXTS[0]}"}
"""OpenAI's messages quote keys and texts."""
TROUBLES = {
    Trouble.CREDENTIALS: Behaviour(status=401, fault={"code": "invalid_api_key", **QUOTING}),
    Trouble.RATE: Behaviour(status=429, fault={"code": "rate_limit_exceeded", **QUOTING}),
    Trouble.REFUSED: Behaviour(status=404, fault={"code": "model_not_found", **QUOTING}),
    Trouble.BROKEN: Behaviour(status=503, fault={"type": "server_error", **QUOTING}),
}
RETRY_SECONDS = (0.0, *[0.02] * 25)


@asynccontextmanager
async def _hastily_opened(
    config: OpenAiSttConfig, context: SttContext
) -> AsyncIterator[SttBackend]:
    from voicecall_stt_openai.backend import OpenAiStt
    from voicecall_stt_openai.stream import Patience

    yield OpenAiStt(
        config,
        silence_seconds=context.silence_seconds,
        logger=context.logger,
        patience=Patience(retry_seconds=RETRY_SECONDS, linger_seconds=0.02, look_seconds=0.01),
    )


class OpenAiHarness(SttHarness):
    """OpenAI on this machine, which understands a letter in every frame."""

    name = "openai"
    module = "voicecall_stt_openai.plugin"
    troubles = frozenset(TROUBLES)
    steers = True
    double: OpenAiDouble

    def spec(self) -> SttSpec:
        """The spec, for whoever does not wait for OpenAI long."""
        spec: SttSpec = super().spec()
        return replace(spec, open=_hastily_opened)

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """The double, and a section that leads to it."""
        async with openai_double() as (self.double, url):
            yield {"apiKey": KEY, "baseUrl": url}

    async def speech(self, text: str) -> Sequence[bytes]:
        """A letter a frame."""
        return spelled(text, 0)

    def fail(self, trouble: Trouble) -> None:
        """Refuse once."""
        self.double.behaviours.append(TROUBLES[trouble])

    def heard(self) -> Sequence[Sequence[bytes]]:
        """All frames of each connection."""
        return self.double.frames

    def cut(self, after: int) -> None:
        """Hang up within the next stream."""
        self.double.behaviours.append(Behaviour(cut_after=after))

    def leave(self, after: int) -> None:
        """Hang up, and be away."""
        self.double.behaviours.append(Behaviour(cut_after=after, leaves=True))

    async def missed(self) -> None:
        """Until somebody was refused."""
        await self.double.missed.wait()

    def come_back(self) -> None:
        """Be there again."""
        self.double.away = False

    def babble(self) -> None:
        """Begin with what nobody can read."""
        self.double.behaviours.append(Behaviour(first=("no JSON", '{"type": "error"}')))

    async def dropped(self) -> None:
        """Until there is no connection."""
        await self.double.dropped()
