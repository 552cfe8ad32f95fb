"""Our gateway with stubs at its edges: recognition and synthesis that take no time at all.

Run by `turns_bench`, in a process of its own: ``python -m bench.our_peer CONFIG STATE`` says
``ready`` once it serves.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio

from bench.signals import END, GREETING_SECONDS, REPLY_SECONDS, SPEECH, tone
from voicecall.config.loaded import Selected
from voicecall.config.loader import load_config
from voicecall.plugins.loader import load_plugins
from voicecall.runtime import running
from voicecall.sdk import (
    MULAW_8K,
    PCM16_8K,
    Audio,
    AudioSink,
    AudioSource,
    PluginContext,
    Section,
    SpeechBegan,
    SpeechFinal,
    SpeechPartial,
    SttBackend,
    TranscriptSink,
    TtsBackend,
    Utterance,
)

GREETING = "Hello."


class InstantStt(SttBackend):
    """Knows the signals of the bench."""

    async def transcribe(self, audio: AudioSource, out: TranscriptSink) -> None:
        """One event or two a signal."""
        async for frame in audio:
            if frame == SPEECH:
                await out.write(SpeechBegan())
                await out.write(SpeechPartial(text="wait a moment"))
            elif frame == END:
                await out.write(SpeechBegan())
                await out.write(SpeechFinal(text="please go on with it"))


class InstantTts(TtsBackend):
    """Has everything ready."""

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        """A tone of the agreed length."""
        seconds = GREETING_SECONDS if utterance.text == GREETING else REPLY_SECONDS
        await out.write(Audio(data=tone(seconds), format=PCM16_8K))


class NoSection(Section):
    """Nothing to configure."""


@asynccontextmanager
async def _stt(config: NoSection, context: PluginContext) -> AsyncIterator[SttBackend]:
    yield InstantStt()


@asynccontextmanager
async def _tts(config: NoSection, context: PluginContext) -> AsyncIterator[TtsBackend]:
    yield InstantTts()


async def main(config: Path, state: Path) -> None:
    """Serve until killed."""
    loaded = load_config(config, load_plugins(os.environ), environ={})
    chosen = loaded.selection
    assert chosen.stt is not None and chosen.tts is not None
    stt = Selected(
        spec=replace(chosen.stt.spec, open=_stt, input_format=MULAW_8K), config=NoSection()
    )
    tts = Selected(spec=replace(chosen.tts.spec, open=_tts), config=NoSection())
    selection = replace(chosen, stt=stt, tts=tts)
    async with running(replace(loaded, selection=selection), state_dir=state):
        print("ready", flush=True)
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(main, *map(Path, sys.argv[1:]))
