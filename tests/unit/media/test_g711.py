"""G.711 against the textbook algorithm, and against the standard library where it still is."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from voicecall.media import g711

EVERY_SAMPLE = np.arange(-32768, 32768, dtype=np.int16)
EVERY_CODE = bytes(range(256))


def textbook_mulaw(sample: int) -> int:
    """Find the segment by search, as G.711 table 2a draws it (14 bits, bias 33)."""
    value = sample >> 2
    sign = 0x80 if value < 0 else 0x00
    magnitude = min(abs(value), 8158) + 33
    segment = max(0, magnitude.bit_length() - 6)
    step = (magnitude >> (segment + 1)) & 0x0F
    return ~(sign | segment << 4 | step) & 0xFF


def textbook_alaw(sample: int) -> int:
    """Find the segment by search, as G.711 table 1a draws it (13 bits, even bits inverted)."""
    value = sample >> 4
    sign = 0x00 if value < 0 else 0x80
    magnitude = ~value if value < 0 else value
    if magnitude < 16:
        return (sign | magnitude) ^ 0x55
    segment = magnitude.bit_length() - 4
    step = (magnitude >> (segment - 1)) & 0x0F
    return (sign | segment << 4 | step) ^ 0x55


def test_mulaw_codes_every_sample_as_the_textbook_does() -> None:
    assert g711.mulaw_encode(EVERY_SAMPLE) == bytes(map(textbook_mulaw, range(-32768, 32768)))


def test_alaw_codes_every_sample_as_the_textbook_does() -> None:
    assert g711.alaw_encode(EVERY_SAMPLE) == bytes(map(textbook_alaw, range(-32768, 32768)))


def test_acceptance_26_both_laws_agree_with_the_standard_library_bit_for_bit() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        audioop = pytest.importorskip("audioop", reason="gone from Python 3.13")
    linear = EVERY_SAMPLE.astype("<i2").tobytes()
    assert g711.mulaw_encode(EVERY_SAMPLE) == audioop.lin2ulaw(linear, 2)
    assert g711.alaw_encode(EVERY_SAMPLE) == audioop.lin2alaw(linear, 2)
    assert g711.mulaw_decode(EVERY_CODE).tobytes() == audioop.ulaw2lin(EVERY_CODE, 2)
    assert g711.alaw_decode(EVERY_CODE).tobytes() == audioop.alaw2lin(EVERY_CODE, 2)


def test_the_ends_of_the_tables_are_those_of_the_standard() -> None:
    assert g711.mulaw_decode(b"\x00\x80\xff").tolist() == [-32124, 32124, 0]
    assert g711.alaw_decode(b"\x2a\xaa\xd5").tolist() == [-32256, 32256, 8]


@pytest.mark.parametrize(
    ("encode", "decode", "same_value"),
    [
        # µ-law has two zeros, 0x7f and 0xff.
        (g711.mulaw_encode, g711.mulaw_decode, EVERY_CODE.replace(b"\x7f", b"\xff")),
        (g711.alaw_encode, g711.alaw_decode, EVERY_CODE),
    ],
)
def test_a_code_survives_decoding_and_encoding(encode, decode, same_value) -> None:
    assert encode(decode(EVERY_CODE)) == same_value


def test_silence_decodes_to_next_to_nothing() -> None:
    assert g711.mulaw_decode(g711.MULAW_SILENCE).tolist() == [0]
    assert abs(int(g711.alaw_decode(g711.ALAW_SILENCE)[0])) <= 8
