"""How are streams recognised? Cut into speech here, decoded in worker threads."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio import to_thread

from voicecall.sdk import (
    AudioSource,
    SpeechBegan,
    SpeechFinal,
    SttBackend,
    TranscriptSink,
)
from voicecall_stt_sphinx.config import SphinxConfig
from voicecall_stt_sphinx.recogniser import Recogniser, make_decoder
from voicecall_stt_sphinx.segments import Began, Segmenter, Stopped


class SphinxStt(SttBackend):
    """Recognises speech with pocketsphinx.

    Args:
        config: what is expected.
        dictionary: pronunciations, from `dictionary_file`; must outlive the backend.
        silence_seconds: silence that ends a turn.
    """

    def __init__(self, config: SphinxConfig, dictionary: Path, silence_seconds: float) -> None:
        self._config = config
        self._dictionary = dictionary
        self._silence_seconds = silence_seconds
        self._limiter = anyio.CapacityLimiter(os.cpu_count() or 1)
        self._idle: list[Recogniser] = []

    async def warm_up(self) -> None:
        """Load the model.

        Raises:
            SpeechError: the grammar cannot be used.
        """
        async with self._recogniser():
            pass

    async def transcribe(self, audio: AudioSource, out: TranscriptSink) -> None:
        """Recognise one stream with a decoder of its own."""
        segmenter = Segmenter(self._silence_seconds)
        async with self._recogniser() as recogniser:
            async for frame in audio:
                await self._take(segmenter.feed(frame), recogniser, out)
            await self._take(segmenter.finish(), recogniser, out)

    async def _take(
        self, step: Began | Stopped | None, recogniser: Recogniser, out: TranscriptSink
    ) -> None:
        match step:
            case Began():
                await out.write(SpeechBegan())
            case Stopped(audio=audio, ago=ago, seconds=seconds):
                recogniser.busy = True
                heard = await to_thread.run_sync(
                    recogniser.recognise,
                    audio,
                    seconds,
                    abandon_on_cancel=True,
                    limiter=self._limiter,
                )
                recogniser.busy = False
                await out.write(
                    SpeechFinal(text=heard.text, confidence=heard.confidence, speech_ended_ago=ago)
                )
            case None:
                pass

    @asynccontextmanager
    async def _recogniser(self) -> AsyncIterator[Recogniser]:
        recogniser = self._idle.pop() if self._idle else await self._make()
        try:
            yield recogniser
        finally:
            # One that was abandoned at work is not used again.
            if not recogniser.busy and len(self._idle) < self._limiter.total_tokens:
                self._idle.append(recogniser)

    async def _make(self) -> Recogniser:
        def make() -> Recogniser:
            return Recogniser(make_decoder(self._config, self._dictionary), self._config)

        return await to_thread.run_sync(make, limiter=self._limiter)
