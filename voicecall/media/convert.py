"""How does audio of one format become audio of another, piece by piece?"""

from __future__ import annotations

import numpy as np

from voicecall.media import g711
from voicecall.media.g711 import Samples
from voicecall.media.resample import Resampler
from voicecall.model.media import AudioFormat, Encoding


def decode(data: bytes, encoding: Encoding) -> Samples:
    """16-bit samples from whole samples in `encoding`."""
    if encoding is Encoding.MULAW:
        return g711.mulaw_decode(data)
    if encoding is Encoding.ALAW:
        return g711.alaw_decode(data)
    return np.frombuffer(data, "<i2").astype(np.int16, copy=False)


def encode(samples: Samples, encoding: Encoding) -> bytes:
    """`samples` written in `encoding`."""
    if encoding is Encoding.MULAW:
        return g711.mulaw_encode(samples)
    if encoding is Encoding.ALAW:
        return g711.alaw_encode(samples)
    return samples.astype("<i2", copy=False).tobytes()


def energy(data: bytes, encoding: Encoding) -> float:
    """The sum of the squares of whole samples in `encoding`."""
    if encoding is Encoding.PCM16:
        samples = np.frombuffer(data, "<i2").astype(np.float64)
        return float(samples @ samples)
    squares = g711.mulaw_squares() if encoding is Encoding.MULAW else g711.alaw_squares()
    return float(squares[np.frombuffer(data, np.uint8)].sum())


def silence(format: AudioFormat, size: int) -> bytes:
    """`size` bytes of silence."""
    if format.encoding is Encoding.MULAW:
        return g711.MULAW_SILENCE * size
    if format.encoding is Encoding.ALAW:
        return g711.ALAW_SILENCE * size
    return bytes(size)


class Converter:
    """Turns one stream of audio into another format; equal formats pass through untouched.

    Pieces may be of any length; a piece that ends within a sample is completed by the next.
    """

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        self._source = source
        self._target = target
        self._same = source == target
        self._sample_bytes = 2 if source.encoding is Encoding.PCM16 else 1
        self._split = b""
        self._resampler = (
            Resampler(source.rate, target.rate) if source.rate != target.rate else None
        )

    def feed(self, data: bytes) -> bytes:
        """What comes out once `data` went in."""
        if self._same:
            return data
        data = self._split + data
        whole = len(data) - len(data) % self._sample_bytes
        self._split = data[whole:]
        samples = decode(data[:whole], self._source.encoding)
        if self._resampler is not None:
            samples = self._resampler.feed(samples)
        return encode(samples, self._target.encoding)

    def flush(self) -> bytes:
        """What was held back; the converter then begins anew. Half a sample is dropped."""
        self._split = b""
        if self._resampler is None:
            return b""
        return encode(self._resampler.flush(), self._target.encoding)
