"""How does anybody prove the backend? `voicecall conformance stt:deepgram`, beside the double."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from voicecall.sdk import SttBackend, SttContext, SttSpec
from voicecall_conformance import SAID_TEXTS, SttHarness, Trouble
from voicecall_conformance.speech.stt.spelling import spelled
from voicecall_stt_deepgram.config import DeepgramConfig
from voicecall_stt_deepgram.testing import KEY, Behaviour, DeepgramDouble, deepgram_double

TROUBLES = {
    Trouble.CREDENTIALS: Behaviour(status=401, code="INVALID_AUTH", quoted=SAID_TEXTS[0]),
    Trouble.RATE: Behaviour(status=429, code="TOO_MANY_REQUESTS", quoted=SAID_TEXTS[0]),
    Trouble.REFUSED: Behaviour(status=400, code="INVALID_MODEL", quoted=SAID_TEXTS[0]),
    Trouble.BROKEN: Behaviour(status=503, code="UNAVAILABLE", quoted=SAID_TEXTS[0]),
}
RETRY_SECONDS = (0.0, *[0.02] * 25)


@asynccontextmanager
async def _hastily_opened(config: DeepgramConfig, context: SttContext) -> AsyncIterator[SttBackend]:
    from voicecall_stt_deepgram.backend import DeepgramStt
    from voicecall_stt_deepgram.stream import Patience

    yield DeepgramStt(
        config,
        silence_seconds=context.silence_seconds,
        logger=context.logger,
        patience=Patience(retry_seconds=RETRY_SECONDS, look_seconds=0.01),
    )


class DeepgramHarness(SttHarness):
    """Deepgram on this machine, which understands a letter in every frame."""

    name = "deepgram"
    module = "voicecall_stt_deepgram.plugin"
    troubles = frozenset(TROUBLES)
    steers = True
    double: DeepgramDouble

    def spec(self) -> SttSpec:
        """The spec, for whoever does not wait for Deepgram long."""
        spec: SttSpec = super().spec()
        return replace(spec, open=_hastily_opened)

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """The double, and a section that leads to it."""
        async with deepgram_double() as (self.double, url):
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
        self.double.behaviours.append(Behaviour(first=("no JSON", '{"type": "Results"}')))

    async def dropped(self) -> None:
        """Until there is no connection."""
        await self.double.dropped()
