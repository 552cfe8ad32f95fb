"""How does anybody prove the backend? `voicecall conformance tts:elevenlabs`, beside the double."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio

from voicecall.sdk import PluginContext, TtsBackend, TtsSpec
from voicecall_conformance import SPOKEN_TEXT, Trouble, TtsHarness
from voicecall_tts_elevenlabs.config import ElevenLabsConfig
from voicecall_tts_elevenlabs.testing import (
    KEY,
    Answer,
    ElevenLabsDouble,
    audio_of,
    elevenlabs_double,
)


def _refusal(status: int, code: str) -> Answer:
    detail = {"status": code, "message": f"{KEY} may not say {SPOKEN_TEXT}"}
    return Answer(status=status, body=json.dumps({"detail": detail}).encode())


TROUBLES = {
    Trouble.CREDENTIALS: _refusal(401, "invalid_api_key"),
    Trouble.RATE: _refusal(429, "too_many_concurrent_requests"),
    Trouble.REFUSED: _refusal(422, "invalid_request"),
    Trouble.BROKEN: _refusal(503, "internal_error"),
    Trouble.LOST: Answer(cut_after=0),
}
PART = 3200
HASTY_SECONDS = 0.3


class ElevenLabsHarness(TtsHarness):
    """ElevenLabs' streaming endpoint on this machine."""

    name = "elevenlabs"
    module = "voicecall_tts_elevenlabs.plugin"
    troubles = frozenset(TROUBLES)
    steers = True
    double: ElevenLabsDouble

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """The double, and a section that leads to it."""
        async with elevenlabs_double() as (self.double, url):
            yield {"apiKey": KEY, "baseUrl": url}

    def fail(self, trouble: Trouble) -> None:
        """Refuse, or hang up, once."""
        self.double.answers.append(TROUBLES[trouble])

    def asked(self) -> Sequence[str]:
        """The texts of accepted requests."""
        return [str(body["text"]) for body in self.double.bodies]

    def made(self) -> bytes:
        """The sound of each."""
        return b"".join(map(audio_of, self.asked()))

    def impatient(self) -> TtsSpec:
        """The spec, for whoever waits a moment for ElevenLabs."""
        spec: TtsSpec = self.spec()
        return replace(spec, open=_hastily_opened)

    def ragged(self) -> None:
        """Odd pieces, once."""
        self.double.answers.append(Answer(sizes=(1, 3, 159, 1601)))

    def stall(self) -> None:
        """Wait within the next audio."""
        self.double.go_on, self.double.stalled = anyio.Event(), anyio.Event()
        self.double.lost = anyio.Event()
        self.double.answers.append(Answer(stall_after=PART))

    def ignore(self) -> None:
        """Wait before the next audio."""
        self.stall()
        self.double.answers[-1] = Answer(stall_after=0)

    async def stalled(self) -> None:
        """Until it does."""
        await self.double.stalled.wait()

    def go_on(self) -> None:
        """Send the rest."""
        self.double.go_on.set()

    async def dropped(self) -> None:
        """Until a connection is found closed."""
        await self.double.lost.wait()

    def cut(self) -> None:
        """Hang up within the next audio."""
        self.double.answers.append(Answer(cut_after=PART))


@asynccontextmanager
async def _hastily_opened(
    config: ElevenLabsConfig, context: PluginContext
) -> AsyncIterator[TtsBackend]:
    from voicecall_tts_elevenlabs.backend import Patience, open_backend

    async with open_backend(config, patience=Patience(silence_seconds=HASTY_SECONDS)) as backend:
        yield backend
