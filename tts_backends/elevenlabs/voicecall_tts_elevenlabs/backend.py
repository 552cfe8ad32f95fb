"""How does ElevenLabs speak? Through its SDK, which streams µ-law that carriers take as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from elevenlabs.client import AsyncElevenLabs
from elevenlabs.core.api_error import ApiError
from elevenlabs.types import VoiceSettings

from voicecall.sdk import MULAW_8K, Audio, AudioSink, SpeechError, TtsBackend, Utterance
from voicecall_tts_elevenlabs import faults
from voicecall_tts_elevenlabs.config import ElevenLabsConfig

PIECE_BYTES = 160
"""A frame of 20 ms. The SDK holds audio back until a piece is full."""
KEEP_SECONDS = 60.0
"""How long an idle connection is kept: the next sentence then needs no TLS handshake."""
IGNORES_LANGUAGE = "eleven_multilingual_v2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Real seconds to wait for a connection, and for the next bytes."""

    connect_seconds: float = 5.0
    silence_seconds: float = 10.0


PATIENCE = Patience()


@asynccontextmanager
async def open_backend(
    config: ElevenLabsConfig, *, patience: Patience = PATIENCE
) -> AsyncIterator[TtsBackend]:
    """The backend, with an HTTP client of its own: no redirects, connections kept a while."""
    # The SDK hands this to httpx with every request, where it is more than a number may be.
    timeout: Any = httpx.Timeout(patience.silence_seconds, connect=patience.connect_seconds)
    limits = httpx.Limits(keepalive_expiry=KEEP_SECONDS)
    async with httpx.AsyncClient(timeout=timeout, limits=limits) as client:
        sdk = AsyncElevenLabs(
            api_key=config.api_key.get_secret_value(),
            base_url=config.root,
            timeout=timeout,
            httpx_client=client,
        )
        yield ElevenLabsTts(config, sdk, patience)


class ElevenLabsTts(TtsBackend):
    """Speaks through ElevenLabs; several utterances at once share the client."""

    def __init__(self, config: ElevenLabsConfig, sdk: AsyncElevenLabs, patience: Patience) -> None:
        self._config = config
        self._sdk = sdk
        self._patience = patience

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        """Push the audio as it arrives."""
        text = utterance.text.encode("utf-8", "replace").decode()
        if not any(character.isalnum() for character in text):
            return
        voice = utterance.voice or self._config.chosen_voice
        try:
            await self._speak(voice, text, options(self._config, utterance.language), out)
        except ApiError as error:
            status, body = error.status_code or 0, error.body
            model = self._config.model_id
            # Not `from`: the SDK's error shows headers and body.
            raise faults.of_answer(status, body, model=model, voice=voice) from None
        except (httpx.ReadTimeout, httpx.WriteTimeout) as error:
            raise faults.silent(self._patience.silence_seconds) from error
        except httpx.HTTPError as error:
            raise faults.unreachable(type(error).__name__) from error

    async def _speak(self, voice: str, text: str, wishes: dict[str, Any], out: AudioSink) -> None:
        # The SDK does not escape what it puts into the path.
        async with self._sdk.text_to_speech.with_raw_response.stream(
            quote(voice, safe=""),
            text=text,
            output_format="ulaw_8000",
            request_options={"chunk_size": PIECE_BYTES, "max_retries": 0},
            **wishes,
        ) as answer:
            kind = answer.headers.get("content-type", "")
            if kind.startswith(("text/", "application/json")):
                raise SpeechError(
                    f"ElevenLabs' address answered with {kind[:40]!r} and no audio; "
                    f"check {faults.SECTION}.baseUrl"
                )
            async for piece in answer.data:
                await out.write(Audio(data=piece, format=MULAW_8K))


def options(config: ElevenLabsConfig, language: str | None) -> dict[str, Any]:
    """The SDK's arguments for what is set; what is not is left to ElevenLabs.

    Args:
        config: the section.
        language: a BCP 47 tag that the utterance is in, if that is known.
    """
    settings = config.voice_settings.model_dump(exclude_none=True)
    code = language.split("-")[0].lower() if language else config.language_code
    if config.model_id == IGNORES_LANGUAGE:
        code = None
    wishes: dict[str, Any] = {
        "model_id": config.model_id,
        "voice_settings": VoiceSettings(**settings) if settings else None,
        "language_code": code,
        "seed": config.seed,
        "apply_text_normalization": config.apply_text_normalization,
    }
    return {name: value for name, value in wishes.items() if value is not None}
