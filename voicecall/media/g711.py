"""How is telephone audio coded? G.711 µ-law and A-law, by tables.

Source: ITU-T G.711 (11/88), tables 1a to 2b, in the reading of the CCITT reference code that
sox and every carrier use: samples of 16 bits, of which µ-law keeps 14 and A-law 13.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

MULAW_SILENCE = b"\xff"
ALAW_SILENCE = b"\xd5"

_BIAS = 33
_MULAW_CLIP = 8159
_MULAW_SEGMENT_ENDS = np.array([0x3F, 0x7F, 0xFF, 0x1FF, 0x3FF, 0x7FF, 0xFFF, 0x1FFF])
_ALAW_SEGMENT_ENDS = np.array([0x1F, 0x3F, 0x7F, 0xFF, 0x1FF, 0x3FF, 0x7FF, 0xFFF])


def mulaw_encode(samples: Samples) -> bytes:
    """One byte a sample."""
    return _mulaw_codes()[samples.view(np.uint16)].tobytes()


def mulaw_decode(data: bytes) -> Samples:
    """One 16-bit sample a byte."""
    return _mulaw_values()[np.frombuffer(data, np.uint8)]


def alaw_encode(samples: Samples) -> bytes:
    """One byte a sample."""
    return _alaw_codes()[samples.view(np.uint16)].tobytes()


def alaw_decode(data: bytes) -> Samples:
    """One 16-bit sample a byte."""
    return _alaw_values()[np.frombuffer(data, np.uint8)]


def _every_sample() -> npt.NDArray[np.int64]:
    """All 16-bit samples, in the order of their bit patterns."""
    return np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int64)


@cache
def _mulaw_codes() -> npt.NDArray[np.uint8]:
    value = _every_sample() >> 2
    magnitude = np.minimum(np.abs(value), _MULAW_CLIP) + _BIAS
    segment = np.searchsorted(_MULAW_SEGMENT_ENDS, magnitude)
    step = (magnitude >> (segment + 1)) & 0x0F
    clipped = segment >= 8
    code = np.where(clipped, 0x7F, (segment << 4) | step)
    return (code ^ np.where(value < 0, 0x7F, 0xFF)).astype(np.uint8)


@cache
def _mulaw_values() -> Samples:
    code = ~np.arange(256) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)
    return np.where(code & 0x80, 0x84 - magnitude, magnitude - 0x84).astype(np.int16)


@cache
def mulaw_squares() -> npt.NDArray[np.float64]:
    """What each byte adds to the energy of a piece of audio."""
    return _mulaw_values().astype(np.float64) ** 2


@cache
def alaw_squares() -> npt.NDArray[np.float64]:
    """What each byte adds to the energy of a piece of audio."""
    return _alaw_values().astype(np.float64) ** 2


@cache
def _alaw_codes() -> npt.NDArray[np.uint8]:
    value = _every_sample() >> 3
    magnitude = np.where(value < 0, -value - 1, value)
    segment = np.searchsorted(_ALAW_SEGMENT_ENDS, magnitude)
    step = (magnitude >> np.maximum(segment, 1)) & 0x0F
    return (((segment << 4) | step) ^ np.where(value < 0, 0x55, 0xD5)).astype(np.uint8)


@cache
def _alaw_values() -> Samples:
    code = np.arange(256) ^ 0x55
    segment = (code & 0x70) >> 4
    step = (code & 0x0F) << 4
    magnitude = np.where(segment == 0, step + 8, (step + 0x108) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)
