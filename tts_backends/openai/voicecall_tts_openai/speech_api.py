"""How do speech models speak? One POST a portion to `/audio/speech`, its body streamed.

Plain HTTP and no SDK: this is one request, the SDK takes a second to import and retries behind
our back, and the kernel's `HttpClient` reads whole answers.
https://developers.openai.com/api/reference/resources/audio/subresources/speech/methods/create
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from voicecall.sdk import Audio, AudioSink, SpeechError, TtsBackend, Utterance
from voicecall_tts_openai import faults
from voicecall_tts_openai.config import OpenAiTtsConfig
from voicecall_tts_openai.models import takes_instructions
from voicecall_tts_openai.pieces import PATIENCE, PCM16_24K, Patience, WholeSamples, named
from voicecall_tts_openai.text import portions

LONGEST_INPUT = 4096
KEEP_SECONDS = 60.0
"""How long an idle connection is kept: the next sentence then needs no TLS handshake."""
ERROR_BYTES = 65536


@asynccontextmanager
async def open_speech_api(
    config: OpenAiTtsConfig, *, patience: Patience = PATIENCE
) -> AsyncIterator[TtsBackend]:
    """The backend, with a client of its own whose connections are closed with the block."""
    timeout = httpx.Timeout(patience.silence_seconds, connect=patience.connect_seconds)
    limits = httpx.Limits(keepalive_expiry=KEEP_SECONDS)
    async with httpx.AsyncClient(timeout=timeout, limits=limits) as client:
        yield SpeechApi(config, client, patience)


class SpeechApi(TtsBackend):
    """Speaks through `/audio/speech`; several utterances at once share the client."""

    def __init__(
        self, config: OpenAiTtsConfig, client: httpx.AsyncClient, patience: Patience
    ) -> None:
        self._config = config
        self._client = client
        self._patience = patience

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        """Push the audio as it arrives."""
        voice = utterance.voice or self._config.chosen_voice
        for portion in portions(utterance.text, LONGEST_INPUT):
            await self._speak(request(self._config, portion, voice), out)

    async def _speak(self, body: dict[str, object], out: AudioSink) -> None:
        key = self._config.api_key.get_secret_value()
        try:
            async with self._client.stream(
                "POST",
                f"{self._config.root}/audio/speech",
                headers={"authorization": f"Bearer {key}"},
                json=body,
            ) as response:
                await self._require_audio(response)
                samples = WholeSamples()
                async for piece in response.aiter_bytes():
                    if data := samples.feed(piece):
                        await out.write(Audio(data=data, format=PCM16_24K))
        except (httpx.ReadTimeout, httpx.WriteTimeout) as error:
            raise faults.silent(self._patience.silence_seconds) from error
        except httpx.HTTPError as error:
            raise faults.unreachable(type(error).__name__) from error

    async def _require_audio(self, response: httpx.Response) -> None:
        kind = response.headers.get("content-type", "")
        if response.status_code != 200:
            body = await _beginning(response)
            model = self._config.chosen_model
            raise faults.of_answer(response.status_code, body, model=model)
        if kind.startswith(("text/", "application/json")):
            raise SpeechError(
                f"OpenAI's address answered with {kind[:40]!r} and no audio; "
                f"check {faults.SECTION}.baseUrl"
            )


def request(config: OpenAiTtsConfig, text: str, voice: str) -> dict[str, object]:
    """The body that asks for `text` as raw PCM; 24 kHz, 16 bits, little-endian, mono."""
    model = config.chosen_model
    body: dict[str, object] = {
        "model": model,
        "input": text,
        "voice": named(voice),
        "response_format": "pcm",
        "speed": config.speed,
    }
    if config.instructions and takes_instructions(model):
        body["instructions"] = config.instructions
    return body


async def _beginning(response: httpx.Response) -> bytes:
    body = b""
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > ERROR_BYTES:
            break
    return body
