"""How is sound turned into the network's µ-law, and back? ITU-T G.711, WAV, a tone."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from voicecall.sdk import (
    MULAW_8K,
    PCM16_8K,
    PCM16_16K,
    Audio,
    AudioFormat,
    Encoding,
    SpeechError,
)

RATE = MULAW_8K.rate
FRAME_BYTES = MULAW_8K.frame_bytes
SILENCE = b"\xff" * FRAME_BYTES
_LOUD = 200.0
_VOICE_BAND_HZ = 3600.0
_TAPS = 63

Samples = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]


def _decode_table() -> npt.NDArray[np.int16]:
    code = ~np.arange(256) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _encode_table() -> Codes:
    """µ-law codes of all 16-bit samples, indexed by the sample as an unsigned number."""
    sample = np.arange(65536, dtype=np.uint16).astype(np.int16).astype(np.int32)
    magnitude = np.minimum(np.abs(sample), 32635) + 0x84
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    code = ~(np.where(sample < 0, 0x80, 0) | exponent << 4 | mantissa) & 0xFF
    codes: Codes = code.astype(np.uint8)
    return codes


_DECODED = _decode_table()
_ENCODED = _encode_table()


def decode(mulaw: bytes) -> npt.NDArray[np.int16]:
    """16-bit samples of µ-law bytes."""
    return _DECODED[np.frombuffer(mulaw, dtype=np.uint8)]


def encode(samples: npt.NDArray[np.int16]) -> bytes:
    """µ-law bytes of 16-bit samples."""
    return _ENCODED[samples.view(np.uint16)].tobytes()


def feeder(wanted: AudioFormat) -> Callable[[bytes], bytes]:
    """Turns the network's frames into `wanted`, for one stream of speech recognition.

    Raises:
        SpeechError: that is not possible.
    """
    if wanted == MULAW_8K:
        return lambda frame: frame
    if wanted == PCM16_8K:
        return lambda frame: decode(frame).astype("<i2").tobytes()
    if wanted == PCM16_16K:
        return _Doubler()
    raise SpeechError(f"a simulated phone cannot feed {wanted.encoding.value} at {wanted.rate} Hz")


class _Doubler:
    """Twice the sample rate, by a short half-band filter that remembers the last frame."""

    def __init__(self) -> None:
        at = np.arange(-15, 16)
        self._taps = np.sinc(at / 2) * np.hamming(len(at))
        self._tail = np.zeros(len(at) - 1)

    def __call__(self, frame: bytes) -> bytes:
        wide = np.zeros(2 * len(frame))
        wide[::2] = decode(frame)
        joined = np.concatenate((self._tail, wide))
        self._tail = joined[-len(self._tail) :]
        samples = np.convolve(joined, self._taps, mode="valid")
        return np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()


def is_loud(frame: bytes) -> bool:
    """Whether somebody can be heard in `frame`; the simulated line has no noise."""
    return frame != SILENCE and float(np.abs(decode(frame).astype(np.int32)).mean()) > _LOUD


def to_mulaw(audio: Audio) -> bytes:
    """`audio` as the network carries it.

    Raises:
        SpeechError: the encoding cannot be converted.
    """
    if audio.format == MULAW_8K:
        return audio.data
    if audio.format.encoding is Encoding.MULAW:
        samples = decode(audio.data).astype(np.float64)
    elif audio.format.encoding is Encoding.PCM16:
        samples = np.frombuffer(audio.data, dtype="<i2").astype(np.float64)
    else:
        raise SpeechError(f"the simulated network cannot play {audio.format.encoding.value!r}")
    narrow = _resample(samples, audio.format.rate)
    return encode(np.clip(np.rint(narrow), -32768, 32767).astype(np.int16))


def _resample(samples: Samples, rate: int) -> Samples:
    if rate == RATE or not len(samples):
        return samples
    if rate > RATE:
        samples = np.convolve(samples, _low_pass(rate), mode="same")[: len(samples)]
    count = round(len(samples) * RATE / rate)
    at = np.arange(count) * (rate / RATE)
    resampled: Samples = np.interp(at, np.arange(len(samples)), samples)
    return resampled


def _low_pass(rate: int) -> Samples:
    """A windowed-sinc filter that keeps the telephone band."""
    cutoff = _VOICE_BAND_HZ / rate
    at = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps: Samples = 2 * cutoff * np.sinc(2 * cutoff * at) * np.hamming(_TAPS)
    taps /= taps.sum()
    return taps


def tone(hertz: float, seconds: float) -> bytes:
    """A pure tone, as of an answering machine."""
    at = np.arange(int(seconds * RATE)) / RATE
    return encode((8000 * np.sin(2 * np.pi * hertz * at)).astype(np.int16))


def read_wav(data: bytes) -> bytes:
    """The first channel of a 16-bit WAV file, as µ-law.

    Raises:
        SpeechError: it is none.
    """
    try:
        with wave.open(io.BytesIO(data)) as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            raw = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise SpeechError(f"the network plays 16-bit WAV files only: {error}") from error
    if width != 2:
        raise SpeechError(f"the network plays 16-bit WAV files only, this has {8 * width} bits")
    samples = np.frombuffer(raw, dtype="<i2")[::channels].astype(np.float64)
    return encode(np.clip(_resample(samples, rate), -32768, 32767).astype(np.int16))


def write_wav(path: str, *channels: bytes) -> None:
    """Write µ-law `channels` of equal length as a 16-bit WAV file."""
    samples = np.stack([decode(channel) for channel in channels], axis=1).astype("<i2")
    with wave.open(path, "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
