"""A voice that turned out to be nothing: what it paused goes on where it was heard to, once."""

from __future__ import annotations

from typing import Any

import anyio
import numpy as np
import pytest

from voicecall.calls.line import Heard, Speech
from voicecall.media.g711 import mulaw_encode
from voicecall.media.marks import MARK_GRACE_SECONDS
from voicecall.media.playback import OVERLAP_SECONDS
from voicecall.model.speech import SpeechBegan, SpeechFinal, SpeechPartial

LONG = "one two three four five six seven eight nine ten eleven twelve"


def whole(stage: Any, text: str = LONG) -> bytes:
    """The audio of `text` on the wire."""
    data = mulaw_encode(np.frombuffer(stage.tts.audio(text), "<i2").astype(np.int16))
    return data + b"\xff" * (-len(data) % 160)


def twice(ear: bytes, audio: bytes) -> float:
    """How many seconds of `audio` the ear heard twice; fails if it heard anything else.

    The ear heard a beginning of `audio`, then its rest from some frame on.
    """
    again = len(ear) - len(audio)
    assert again >= 0, "samples were lost"
    before = 0
    while before < len(audio) and ear[before : before + 160] == audio[before : before + 160]:
        before += 160
    assert ear[before:] == audio[before - again :]
    return again / 8000


async def cough(stage: Any, seconds: float = 0.8) -> float:
    """A voice without words; when it silenced us."""
    clears = len(stage.phone.clears)
    stage.phone.speak(seconds)
    stage.stt.hear(SpeechBegan())
    return await stage.phone.until_cleared(clears + 1)


def test_speech_that_a_cough_silenced_goes_on_and_every_sample_is_heard(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            job = stage.line.speak(Speech(text=LONG))
            await anyio.sleep(2)
            silent_since = await cough(stage)
            assert stage.phone.after_clear == []
            spoken = await job.played()
            first_again = next(at for at, _ in stage.phone.frames if at > silent_since)
            assert first_again - silent_since == pytest.approx(0.3 + 1.5, abs=0.1)
            assert spoken.complete and spoken.heard == LONG
            assert 0 < twice(bytes(stage.phone.ear), whole(stage)) <= OVERLAP_SECONDS + 0.32
            assert stage.counters.resumptions == 1
            assert stage.counters.interruptions == stage.counters.underruns == 0
            assert stage.desk.told("began") == stage.desk.told("heard") == []
            await stage.desk.until("speaking", 4)
            assert stage.desk.told("speaking") == [True, False, True, False]

    theatre.run(main)


@pytest.mark.parametrize("position", [0.1, 0.5, 1.0, 2.7, 4.0, 4.4, 4.7])
@pytest.mark.parametrize("returns_marks", [True, False])
def test_wherever_the_cough_falls_no_sample_is_lost(
    theatre, position: float, returns_marks: bool
) -> None:
    async def main() -> None:
        phone = theatre.Phone(returns_marks=returns_marks)
        async with theatre.session(phone=phone) as stage:
            jobs = [stage.line.speak(Speech(text=text)) for text in (LONG[:30], LONG[30:])]
            await anyio.sleep(position)
            with anyio.move_on_after(3):
                await cough(stage)
            for job in jobs:
                assert (await job.played()).complete
            audio = whole(stage, LONG[:30]) + whole(stage, LONG[30:])
            unsure = 0.32 if returns_marks else MARK_GRACE_SECONDS
            assert twice(bytes(phone.ear), audio) <= OVERLAP_SECONDS + unsure

    theatre.run(main)


def test_an_empty_transcript_lets_us_go_on_at_once(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            job = stage.line.speak(Speech(text=LONG))
            await anyio.sleep(2)
            silent_since = await cough(stage)
            await anyio.sleep(0.5)
            stage.stt.hear(SpeechFinal(text=""))
            assert (await job.played()).complete
            first_again = next(at for at, _ in stage.phone.frames if at > silent_since)
            assert first_again - silent_since == pytest.approx(0.5, abs=0.05)

    theatre.run(main)


@pytest.mark.parametrize("text", ["Mhm.", "uh-huh, okay"])
def test_a_drawn_out_backchannel_does_not_cost_the_sentence(theatre, text: str) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            job = stage.line.speak(Speech(text=LONG))
            await anyio.sleep(2)
            await cough(stage)
            stage.stt.hear(SpeechPartial(text=text), SpeechFinal(text=text))
            assert (await job.played()).complete
            assert stage.desk.told("heard") == []

    theatre.run(main)


@pytest.mark.parametrize("text", ["yes", "No.", "stop it please"])
def test_words_after_the_pause_cut_us_and_the_transcript_ends_where_we_fell_silent(
    theatre, text: str
) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            jobs = [stage.line.speak(Speech(text=each)) for each in (LONG, "and so on")]
            await anyio.sleep(2)
            await cough(stage)
            played = len(stage.phone.ear) / 8000
            await anyio.sleep(0.6)
            stage.stt.hear(SpeechFinal(text=text))
            with anyio.fail_after(0.1):
                first, second = [await job.played() for job in jobs]
            await stage.desk.until("heard")
            await anyio.sleep(3)
            assert len(first.heard) * 0.08 <= played + 0.02
            assert len(first.heard) * 0.08 >= played - 0.5
            assert (first.failed, second.heard) == (None, "")
            assert stage.phone.after_clear == [] and len(stage.phone.clears) == 1
            assert stage.desk.told("heard") == [text]
            assert (stage.counters.interruptions, stage.counters.resumptions) == (1, 0)

    theatre.run(main)


def test_a_reply_that_is_still_being_made_goes_on_with_what_was_paused(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            said: list[Any] = []

            async def answer(heard: Heard) -> None:
                for text in ("the first of them", "the second of them", "the third"):
                    said.append(stage.line.speak(Speech(text=text)))
                    await anyio.sleep(1.0)

            stage.desk.answer = answer
            stage.stt.hear(SpeechBegan(), SpeechFinal(text="a question"))
            await anyio.sleep(0.7)
            await cough(stage)
            await anyio.sleep(8)
            assert [(await job.played()).complete for job in said] == [True, True, True]
            assert stage.desk.cancelled == []

    theatre.run(main)


def test_words_after_the_pause_discard_the_rest_of_the_reply(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:

            async def answer(heard: Heard) -> None:
                if heard.text == "a question":
                    stage.line.speak(Speech(text=LONG))
                    await anyio.sleep(60)

            stage.desk.answer = answer
            stage.stt.hear(SpeechBegan(), SpeechFinal(text="a question"))
            await anyio.sleep(2)
            await cough(stage)
            stage.stt.hear(SpeechFinal(text="another question"))
            await stage.desk.until("heard", 2)
            await anyio.sleep(3)
            assert stage.desk.cancelled == ["a question"]
            assert stage.phone.after_clear == []

    theatre.run(main)


def test_the_second_cough_ends_the_sentence(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            job = stage.line.speak(Speech(text=LONG))
            await anyio.sleep(1)
            await cough(stage)
            await anyio.sleep(3)
            assert stage.counters.resumptions == 1 and not job.settled
            stage.stt.hear(SpeechFinal(text=""))
            await cough(stage)
            with anyio.fail_after(0.1):
                spoken = await job.played()
            assert LONG.startswith(spoken.heard) and 0 < len(spoken.heard) < len(LONG)
            assert stage.desk.told("began") == [None]

    theatre.run(main)


def test_a_line_that_ends_during_the_pause_tells_what_was_heard(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            job = stage.line.speak(Speech(text=LONG))
            await anyio.sleep(2)
            await cough(stage)
            stage.phone.hang_up()
            spoken = await job.played()
            assert spoken.failed and LONG.startswith(spoken.heard) and spoken.heard

    theatre.run(main)


def test_a_slow_recogniser_is_waited_for_before_we_go_on(theatre) -> None:
    async def main() -> None:
        async with theatre.session(turns={"resume_after_ms": 0}) as stage:
            stage.line.speak(Speech(text=LONG))
            await anyio.sleep(2)
            await cough(stage)
            await anyio.sleep(0.3 + 0.8 + 0.4)
            assert stage.phone.after_clear == []
            stage.stt.hear(SpeechFinal(text="now the words are there"))
            await stage.desk.until("heard")
            await anyio.sleep(3)
            assert stage.phone.after_clear == []

    theatre.run(main)


def test_speech_whose_audio_is_slow_to_come_goes_on_in_order(theatre) -> None:
    async def main() -> None:
        tts = theatre.NoiseTts(first_after=1.5)
        async with theatre.session(tts=tts) as stage:
            first = stage.line.speak(Speech(text=LONG[:20]))
            second = stage.line.speak(Speech(text=LONG[20:40]))
            third = stage.line.speak(Speech(text=LONG[40:]))
            await anyio.sleep(2.4)
            await cough(stage)
            for job in (first, second, third):
                assert (await job.played()).complete
            audio = b"".join(whole(stage, part) for part in (LONG[:20], LONG[20:40], LONG[40:]))
            assert twice(bytes(stage.phone.ear), audio) <= OVERLAP_SECONDS + 0.32

    theatre.run(main)
