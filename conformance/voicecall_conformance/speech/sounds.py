"""What is there to listen to? Synthetic voices over a telephone line, and sounds that are none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from voicecall.media.convert import Converter, silence
from voicecall.plugins.loader import load_plugins
from voicecall.sdk import (
    MULAW_8K,
    PCM16_8K,
    Audio,
    AudioFormat,
    PluginContext,
    SystemClock,
    Utterance,
)
from voicecall_conformance.borrowed import LoopbackHttp
from voicecall_conformance.speech.noting import Noting

RATE = PCM16_8K.rate
SOUND_SECONDS = 2.0

Samples = NDArray[np.float64]

_SAID: dict[tuple[str, str, AudioFormat], bytes] = {}
"""What voices said, by text, voice and format."""


async def spoken(text: str, format: AudioFormat, *, voice: str) -> bytes:
    """`text` as a caller's telephone line carries it: 8 kHz, µ-law, then `format`.

    It is synthesised once; a voice that is never the same twice is the same here.

    Args:
        text: what is said.
        format: of the result.
        voice: the installed TTS backend that says it.

    Raises:
        PluginError: it is not installed.
    """
    key = (text, voice, format)
    if key not in _SAID:
        heard = await _synthesised(text, voice)
        _SAID[key] = converted(heard, MULAW_8K, format)
    return _SAID[key]


async def _synthesised(text: str, voice: str) -> bytes:
    spec: Any = load_plugins({}).get("tts", voice)
    heard: Noting[Audio] = Noting()
    with TemporaryDirectory() as state_dir:
        async with httpx.AsyncClient(trust_env=False) as client:
            context = PluginContext(
                http=LoopbackHttp(client),
                clock=SystemClock(),
                logger=logging.getLogger("voicecall.conformance.voice"),
                state_dir=Path(state_dir),
            )
            async with spec.open(spec.config(), context) as live:
                await live.synthesize(Utterance(text=text), heard)
    data = b"".join(piece.data for piece in heard.parts)
    return converted(data, heard.parts[0].format, MULAW_8K)


def converted(data: bytes, source: AudioFormat, target: AudioFormat) -> bytes:
    """`data` in another format."""
    converter = Converter(source, target)
    return converter.feed(data) + converter.flush()


def frames(data: bytes, format: AudioFormat) -> list[bytes]:
    """`data` in frames of 20 ms, the last one filled with silence."""
    size = format.frame_bytes
    data += silence(format, -len(data) % size)
    return [data[start : start + size] for start in range(0, len(data), size)]


def quiet(format: AudioFormat, seconds: float) -> list[bytes]:
    """Frames of digital silence."""
    return frames(silence(format, round(seconds * format.bytes_per_second)), format)


def _random(level: float) -> Samples:
    return np.random.default_rng(1).normal(0, level, round(SOUND_SECONDS * RATE))


def _traffic() -> Samples:
    spectrum = np.fft.rfft(_random(1))
    rumble = np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)))
    return np.asarray(rumble / rumble.std() * 3000)


def _tones(*hertz: float, level: float) -> Samples:
    time = np.arange(round(SOUND_SECONDS * RATE)) / RATE
    return np.asarray(sum(level * np.sin(2 * np.pi * each * time) for each in hertz))


def _music() -> Samples:
    time = np.arange(round(SOUND_SECONDS * RATE)) / RATE
    return _tones(262, 330, 392, 523, level=3000) * np.exp(-3 * (time % 0.5))


def _clicks() -> Samples:
    return np.asarray(20000.0 * (np.arange(round(SOUND_SECONDS * RATE)) % 2000 < 8))


def line_noise() -> bytes:
    """The hiss of a telephone line, -50 dBFS, as `PCM16_8K`."""
    return pcm(_random(100))


def pcm(samples: Samples) -> bytes:
    """16-bit samples."""
    return np.clip(np.round(samples), -32768, 32767).astype("<i2").tobytes()


SOUNDS: Mapping[str, Callable[[], bytes]] = {
    "loud hiss": lambda: pcm(_random(5000)),
    "traffic": lambda: pcm(_traffic()),
    "hum": lambda: pcm(_tones(50, level=5000)),
    "a ringing tone": lambda: pcm(_tones(440, 480, level=5000)),
    "music": lambda: pcm(_music()),
    "clicks": lambda: pcm(_clicks()),
}
"""No voice in any of them; `PCM16_8K`."""
