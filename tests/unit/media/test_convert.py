"""Conversion between audio formats."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voicecall.media.convert import Converter, silence
from voicecall.model.media import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, AudioFormat, Encoding

formats = st.sampled_from([ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K])


@given(data=st.binary(max_size=400), format=formats)
def test_equal_formats_pass_through_untouched(data: bytes, format: AudioFormat) -> None:
    assert Converter(format, format).feed(data) == data


@given(data=st.binary(max_size=800), source=formats, target=formats, cuts=st.data())
def test_pieces_may_be_cut_within_a_sample(data, source, target, cuts) -> None:
    at = cuts.draw(st.integers(0, len(data)))
    one, two = Converter(source, target), Converter(source, target)
    whole = one.feed(data) + one.flush()
    assert two.feed(data[:at]) + two.feed(data[at:]) + two.flush() == whole


def test_mulaw_becomes_linear_at_twice_the_rate() -> None:
    converter = Converter(MULAW_8K, PCM16_16K)
    made = converter.feed(b"\x80" * 800) + converter.flush()
    samples = np.frombuffer(made, "<i2")
    assert len(samples) == 1600
    assert (abs(samples[200:-200].astype(int) - 32124) <= 2).all()


def test_silence_is_silent_in_every_encoding() -> None:
    for encoding in Encoding:
        format = AudioFormat(encoding=encoding, rate=8000)
        converter = Converter(format, PCM16_8K)
        samples = np.frombuffer(converter.feed(silence(format, 320)), "<i2")
        assert (abs(samples.astype(int)) <= 8).all()
