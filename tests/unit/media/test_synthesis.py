"""TTS fallbacks."""

from __future__ import annotations

import logging
import math

import anyio
import pytest

from voicecall.errors import SpeechError
from voicecall.media.synthesis import ATTEMPTS, FIRST_AUDIO_SECONDS, REST_SECONDS, Synthesis
from voicecall.model.media import PCM16_8K, Audio
from voicecall.model.speech import Utterance
from voicecall.sdk.tts import TtsBackend

PIECE = Audio(data=bytes(320), format=PCM16_8K)
HELLO = Utterance(text="hello")


class Steps(TtsBackend):
    """Does one step after the other: an `Audio` is written, an exception raised, a time waited."""

    def __init__(self, *steps: object) -> None:
        self.steps = list(steps)
        self.calls = 0

    async def synthesize(self, utterance, out) -> None:
        self.calls += 1
        while self.steps:
            step = self.steps.pop(0)
            if isinstance(step, Exception):
                raise step
            if isinstance(step, Audio):
                await out.write(step)
            elif step == "end":
                return
            else:
                await anyio.sleep(step)


class Collected:
    """An `AudioSink`."""

    def __init__(self) -> None:
        self.pieces: list[Audio] = []

    async def write(self, audio: Audio) -> None:
        self.pieces.append(audio)


def speak(tools, *backends: TtsBackend) -> Collected:
    sink = Collected()
    named = [(f"tts{number}", backend) for number, backend in enumerate(backends, 1)]

    async def main() -> None:
        await Synthesis(named, logging.getLogger("test.tts")).synthesize(HELLO, sink)

    tools.run(main)
    return sink


def test_the_chosen_backend_speaks_and_the_fallback_is_not_asked(tools) -> None:
    fallback = Steps(PIECE)
    assert speak(tools, Steps(PIECE, PIECE), fallback).pieces == [PIECE, PIECE]
    assert fallback.calls == 0


def test_a_failure_before_any_audio_falls_back_with_one_log_line(tools, caplog) -> None:
    sink = speak(tools, Steps(SpeechError("no voice")), Steps(PIECE))
    assert sink.pieces == [PIECE]
    (record,) = caplog.records
    assert (record.tts_from, record.tts_to, record.attempts) == ("tts1", "tts2", 1)


def test_a_failure_that_may_pass_is_tried_again_first(tools, caplog) -> None:
    lost = [SpeechError("busy", retryable=True) for _ in range(ATTEMPTS)]
    chosen = Steps(*lost)
    speak(tools, chosen, Steps(PIECE))
    assert chosen.calls == ATTEMPTS
    assert caplog.records[0].attempts == ATTEMPTS


def test_a_failure_after_audio_is_not_papered_over_and_the_log_tells(tools, caplog) -> None:
    fallback = Steps(PIECE)
    with pytest.raises(SpeechError, match="lost"):
        speak(tools, Steps(PIECE, SpeechError("lost", retryable=True)), fallback)
    assert fallback.calls == 0
    (record,) = caplog.records
    assert (record.message, record.tts) == ("speech synthesis broke off", "tts1")


def test_when_all_fail_the_last_reason_is_told(tools) -> None:
    with pytest.raises(SpeechError, match="second"):
        speak(tools, Steps(SpeechError("first")), Steps(SpeechError("second")))


def test_a_backend_that_hangs_is_given_up(tools) -> None:
    assert speak(tools, Steps(math.inf), Steps(PIECE)).pieces == [PIECE]


def test_a_backend_that_hung_is_not_waited_for_at_every_sentence(tools) -> None:
    hanging = Steps(math.inf, PIECE)
    named = [("tts1", hanging), ("tts2", Steps(PIECE, "end", PIECE, "end"))]

    async def main() -> None:
        synthesis = Synthesis(named, logging.getLogger("test.tts"))
        await synthesis.synthesize(HELLO, Collected())
        begun = anyio.current_time()
        assert await synthesis.speak(HELLO, Collected()) == "tts2"
        assert anyio.current_time() == begun
        await anyio.sleep(REST_SECONDS)
        assert await synthesis.speak(HELLO, Collected()) == "tts1"

    tools.run(main)


def test_a_backend_that_speaks_slowly_is_not_given_up(tools) -> None:
    slow = Steps(FIRST_AUDIO_SECONDS - 1, PIECE, 2 * FIRST_AUDIO_SECONDS, PIECE)
    assert speak(tools, slow).pieces == [PIECE, PIECE]


def test_a_backend_that_says_nothing_at_all_has_failed(tools) -> None:
    assert speak(tools, Steps("end"), Steps(PIECE)).pieces == [PIECE]


def test_a_broken_backend_is_named_and_replaced(tools, caplog) -> None:
    assert speak(tools, Steps(KeyError("voice")), Steps(PIECE)).pieces == [PIECE]
    assert caplog.records[0].tts == "tts1" and caplog.records[0].exc_info


def test_there_must_be_a_backend() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Synthesis([], logging.getLogger("test.tts"))
