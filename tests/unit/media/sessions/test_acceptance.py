"""What must hold of every media session: interruptions, echoes, and exact, gapless audio."""

from __future__ import annotations

from typing import Any

import anyio
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voicecall.calls.line import Heard, Speech
from voicecall.media.convert import Converter, decode
from voicecall.media.playback import LEAD_SECONDS
from voicecall.model.media import (
    MULAW_8K,
    PCM16_8K,
    PCM16_16K,
    Audio,
    AudioFormat,
    Encoding,
)
from voicecall.model.speech import SpeechBegan, SpeechFinal, SpeechPartial, Utterance
from voicecall.sdk.stt import AudioSource, SttBackend, TranscriptSink
from voicecall.sdk.tts import AudioSink, TtsBackend

LONG = "one two three four five six seven eight nine ten eleven twelve"
DECISION_TO_CLEAR = 0.06
PCM16_24K = AudioFormat(encoding=Encoding.PCM16, rate=24000)


# -- 23: the caller speaks for 300 ms while we play


@pytest.mark.parametrize("position", np.linspace(0.05, 4.4, 20).round(2))
def test_acceptance_23_wherever_the_caller_interrupts_we_fall_silent_and_know_what_was_heard(
    theatre, position: float
) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            job = stage.line.speak(Speech(text=LONG))
            await anyio.sleep(position)
            stage.phone.speak(0.3)
            stage.stt.hear(SpeechBegan())
            await anyio.sleep(0.3)
            decided = anyio.current_time()
            stage.stt.hear(SpeechPartial(text="wait"))
            assert await stage.phone.until_cleared() - decided <= DECISION_TO_CLEAR
            in_the_ear = len(stage.phone.ear) / 8000
            spoken = await job.played()
            await anyio.sleep(2)
            assert stage.phone.after_clear == []
            assert spoken.failed is None and not spoken.complete
            assert LONG.startswith(spoken.heard)
            assert len(spoken.heard) * 0.08 <= in_the_ear + 0.02

    theatre.run(main)


@pytest.mark.parametrize(("preset", "after"), [("quick", 0.3), ("phone", 0.5), ("patient", 0.9)])
def test_acceptance_23_a_voice_without_words_is_decided_upon_as_the_preset_says(
    theatre, preset: str, after: float
) -> None:
    async def main() -> None:
        async with theatre.session(vad=theatre.LoudVad(), turns={"preset": preset}) as stage:
            stage.line.speak(Speech(text=LONG))
            await anyio.sleep(1)
            began = anyio.current_time()
            stage.phone.speak(1.5)
            decided = began + 0.02 + after
            assert abs(await stage.phone.until_cleared() - decided) <= DECISION_TO_CLEAR
            await anyio.sleep(1)
            assert stage.phone.after_clear == []

    theatre.run(main)


# -- 24: our own echo


class Syllables(TtsBackend):
    """Noise in the telephone band with the rhythm of syllables, 80 ms a character."""

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        rng = np.random.default_rng(len(utterance.text))
        noise = rng.standard_normal(int(len(utterance.text) * 0.08 * 8000))
        colour = np.sinc(np.arange(-20, 21) * 0.3) * np.hanning(41)
        rhythm = 0.55 + 0.45 * np.sin(2 * np.pi * 3.3 * np.arange(len(noise)) / 8000)
        voice = np.convolve(noise, colour, "same") * rhythm
        samples = (9000 * voice / np.abs(voice).max()).astype("<i2")
        await out.write(Audio(data=samples.tobytes(), format=PCM16_8K))


class Parrot(SttBackend):
    """Takes everything that is loud for speech, and understands in it what we say."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.finals = 0

    async def transcribe(self, audio: AudioSource, out: TranscriptSink) -> None:
        loud, quiet, words = 0, 0, self.text.split()
        async for frame in audio:
            samples = decode(frame, MULAW_8K.encoding).astype(float)
            if np.sqrt(np.mean(samples**2)) > 100:
                loud, quiet = loud + 1, 0
                if loud == 3:
                    await out.write(SpeechBegan())
                if loud > 3 and loud % 25 == 0:
                    await out.write(SpeechPartial(text=" ".join(words[: loud // 25])))
            else:
                quiet += 1
                if loud > 3 and quiet == 40:
                    self.finals += 1
                    await out.write(SpeechFinal(text=self.text, speech_ended_ago=0.8))
                    loud = 0


@pytest.mark.parametrize("delay", [0.05, 0.1, 0.2, 0.3, 0.4])
@pytest.mark.parametrize("decibels", [6, 15, 25])
@pytest.mark.parametrize("early", [True, False])
def test_acceptance_24_our_own_echo_neither_interrupts_us_nor_talks_to_us(
    theatre, delay: float, decibels: int, early: bool
) -> None:
    async def main() -> None:
        phone = theatre.Phone()
        phone.echo_after(delay, attenuation=10 ** (-decibels / 20))
        stt, vad = Parrot(LONG), theatre.LoudVad() if early else None
        async with theatre.session(phone=phone, tts=Syllables(), stt=stt, vad=vad) as stage:

            async def answer(heard: Heard) -> None:
                stage.line.speak(Speech(text="I am talking to myself"))

            stage.desk.answer = answer
            spoken = await stage.say(LONG)
            await anyio.sleep(5)
            assert stt.finals, "the echo was recognised as speech"
            assert spoken.complete and phone.clears == []
            told = {kind for kind, _ in stage.desk.log}
            assert not told & {"began", "partial", "heard"}
            assert len(phone.ear) / 8000 == pytest.approx(len(LONG) * 0.08, abs=0.021)

    theatre.run(main)


@pytest.mark.parametrize("begins", [True, False])
def test_acceptance_24_one_transcript_of_several_sentences_of_ours_is_no_answer(
    theatre, begins: bool
) -> None:
    sentences = ("Thank you for calling.", "We are open.", "How many of you will there be?")

    async def main() -> None:
        phone = theatre.Phone()
        phone.echo_after(0.4, attenuation=0.2)
        async with theatre.session(phone=phone, tts=Syllables()) as stage:
            jobs = [stage.line.speak(Speech(text=text)) for text in sentences]
            await anyio.sleep(0.5)
            if begins:
                stage.stt.hear(SpeechBegan())
            for job in jobs:
                assert (await job.played()).complete
            await anyio.sleep(2)
            stage.stt.hear(SpeechFinal(text=" ".join(sentences)))
            await anyio.sleep(1)
            assert stage.desk.told("heard") == [] and stage.counters.echoes == 1

    theatre.run(main)


def test_acceptance_24_a_caller_who_answers_in_our_words_is_heard(theatre) -> None:
    async def main() -> None:
        phone = theatre.Phone()
        phone.echo_after(0.2, attenuation=0.2)
        async with theatre.session(phone=phone, tts=Syllables()) as stage:
            for answer in ("no", "at eight o'clock"):
                await stage.say("Shall I book the table at eight o'clock, yes or no?")
                await anyio.sleep(0.7)
                phone.speak(0.25)
                await anyio.sleep(1.0)
                stage.stt.hear(SpeechFinal(text=answer))
            await stage.desk.until("heard", 2)
            assert stage.desk.told("heard") == ["no", "at eight o'clock"]

    theatre.run(main)


def test_acceptance_24_the_echo_gate_hears_a_caller_over_the_echo(theatre) -> None:
    async def main() -> None:
        phone = theatre.Phone()
        phone.echo_after(0.2, attenuation=0.2)
        async with theatre.session(phone=phone, tts=Syllables()) as stage:
            job = stage.line.speak(Speech(text=LONG))
            await anyio.sleep(1)
            stage.stt.hear(SpeechBegan())
            phone.speak(0.4)
            await anyio.sleep(0.3)
            stage.stt.hear(SpeechPartial(text="no"))
            assert not (await job.played()).complete
            await stage.desk.until("partial")
            assert stage.desk.told("partial") == ["no"]

    theatre.run(main)


# -- 25: exact frames, no gap, never too far ahead, every sample


class Chopped(TtsBackend):
    """Audio in pieces of given sizes, over and over; they need not end with a sample."""

    def __init__(self, format: AudioFormat, sizes: list[int]) -> None:
        rng = np.random.default_rng(1)
        self.format = format
        self.sizes = sizes
        width = format.bytes_per_second // format.rate
        samples = rng.integers(-12000, 12000, int(1.3 * format.rate))
        self.data = samples.astype("<i2").tobytes() if width == 2 else bytes(samples % 256)

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        at, turn = 0, 0
        while at < len(self.data):
            size = self.sizes[turn % len(self.sizes)]
            await out.write(Audio(data=self.data[at : at + size], format=self.format))
            at, turn = at + size, turn + 1

    def on_the_wire(self) -> bytes:
        converter = Converter(self.format, MULAW_8K)
        whole = converter.feed(self.data) + converter.flush()
        return whole + b"\xff" * (-len(whole) % 160)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    format=st.sampled_from([MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K]),
    sizes=st.lists(st.integers(1, 9000), min_size=1, max_size=8).filter(lambda n: sum(n) > 200),
)
def test_acceptance_25_chunks_of_any_size_and_rate_leave_as_exact_frames_without_a_gap(
    theatre, format: AudioFormat, sizes: list[int]
) -> None:
    async def main() -> None:
        tts = Chopped(format, sizes)
        async with theatre.session(tts=tts) as stage:
            assert (await stage.say("anything")).complete
            require_exact_frames(stage)
            assert bytes(stage.phone.ear) == tts.on_the_wire()

    theatre.run(main)


def require_exact_frames(stage: Any) -> None:
    """Frames of 20 ms, never further ahead than the lead, and never too late to be heard."""
    times = np.array([at for at, _ in stage.phone.frames])
    assert {len(frame) for _, frame in stage.phone.frames} == {160}
    ahead = 0.02 * np.arange(1, len(times) + 1) - (times - times[0])
    assert ahead.max() <= LEAD_SECONDS + 1e-6
    assert ahead.min() >= 0.02 - 1e-6
    assert stage.counters.underruns == 0 and stage.phone.gaps <= 1


def test_acceptance_25_minutes_of_speech_do_not_drift(theatre) -> None:
    async def main() -> None:
        text = "word " * 800  # five minutes and twenty seconds
        async with theatre.session() as stage:
            began = anyio.current_time()
            assert (await stage.say(text)).complete
            wanted = len(text) * 0.08
            assert anyio.current_time() - began == pytest.approx(wanted, rel=0.001)
            require_exact_frames(stage)

    theatre.run(main)
