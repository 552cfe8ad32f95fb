"""Interruptions, echoes and discarded replies, in whole sessions in virtual time."""

from __future__ import annotations

import anyio
import pytest

from voicecall.calls.line import Heard, Speech
from voicecall.model.speech import SpeechBegan, SpeechFinal, SpeechPartial

LONG = "one two three four five six seven eight nine ten eleven twelve"


def test_a_caller_who_speaks_stops_us_and_what_was_heard_is_known(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            job = stage.line.speak(Speech(text=LONG))
            await anyio.sleep(2)
            stage.phone.speak(0.3)
            stage.stt.hear(SpeechBegan())
            await anyio.sleep(0.3)
            stage.stt.hear(SpeechPartial(text="wait"))
            decided = anyio.current_time()
            spoken = await job.played()
            await anyio.sleep(1)
            assert stage.phone.clears[0] - decided <= 0.06
            assert stage.phone.after_clear == []
            assert spoken.failed is None
            assert LONG.startswith(spoken.heard) and 0 < len(spoken.heard) < len(LONG)
            stage.stt.hear(SpeechFinal(text="wait please"))
            await stage.desk.until("heard")
            told = [kind for kind, _ in stage.desk.log]
            assert told.index("began") < told.index("partial") < told.index("heard")
            assert stage.counters.interruptions == 1

    theatre.run(main)


def test_a_caller_who_presses_a_key_stops_us(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            job = stage.line.speak(Speech(text=LONG))
            await anyio.sleep(2)
            pressed = anyio.current_time()
            stage.phone.send({"digit": "1"})
            assert not (await job.played()).complete
            await stage.desk.until("digits")
            assert stage.phone.clears[0] - pressed <= 0.06
            assert stage.phone.after_clear == []

    theatre.run(main)


def test_a_key_does_not_stop_a_greeting(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            job = stage.line.speak(Speech(text=LONG, protected=True))
            await anyio.sleep(1)
            stage.phone.send({"digit": "1"})
            assert (await job.played()).complete
            assert stage.desk.told("digits") == ["1"]
            assert stage.phone.clears == []

    theatre.run(main)


def test_words_that_stopped_us_are_answered_although_recognition_takes_them_back(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            job = stage.line.speak(Speech(text=LONG))
            await anyio.sleep(2)
            stage.phone.speak(0.3)
            stage.stt.hear(SpeechBegan(), SpeechPartial(text="Wait"))
            assert not (await job.played()).complete
            stage.stt.hear(SpeechFinal(text=""))
            await stage.desk.until("heard")
            assert stage.desk.told("heard") == ["Wait"]
            stage.stt.hear(SpeechBegan(), SpeechPartial(text="hm hm"), SpeechFinal(text=""))
            await anyio.sleep(1)
            assert len(stage.desk.told("heard")) == 1

    theatre.run(main)


def test_a_voice_that_goes_on_stops_us_before_its_words_are_known(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            stage.line.speak(Speech(text=LONG))
            await anyio.sleep(2)
            stage.phone.speak(1.0)
            stage.stt.hear(SpeechBegan())
            began = anyio.current_time()
            assert await stage.phone.until_cleared() - began == pytest.approx(0.5, abs=0.06)
            assert stage.desk.told("began") == [], "it may be a cough"
            stage.stt.hear(SpeechPartial(text="wait"))
            await stage.desk.until("began")
            assert len(stage.phone.clears) == 1 and stage.phone.after_clear == []

    theatre.run(main)


def test_speech_that_begins_after_a_long_silence_is_believed_before_it_is_loud(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            stage.line.speak(Speech(text=LONG))
            await anyio.sleep(2)
            stage.stt.hear(SpeechBegan())
            await anyio.sleep(0.1)
            stage.phone.speak(1.0)
            with anyio.fail_after(0.7):
                await stage.phone.until_cleared()

    theatre.run(main)


def test_a_noise_without_a_voice_does_not_stop_us(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            job = stage.line.speak(Speech(text=LONG))
            await anyio.sleep(1)
            stage.phone.speak(0.1)
            stage.stt.hear(SpeechBegan(), SpeechFinal(text=""))
            assert (await job.played()).complete
            assert stage.desk.told("heard") == []

    theatre.run(main)


def test_a_greeting_is_not_interrupted_and_the_caller_is_heard(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            job = stage.line.speak(Speech(text=LONG, protected=True))
            await anyio.sleep(1)
            stage.phone.speak(1.0)
            stage.stt.hear(SpeechBegan(), SpeechPartial(text="who"), SpeechFinal(text="who is it"))
            assert (await job.played()).complete
            assert stage.phone.clears == []
            assert stage.desk.told("heard") == ["who is it"]

    theatre.run(main)


@pytest.mark.parametrize("delay", [0.06, 0.2, 0.4])
def test_our_own_echo_neither_stops_us_nor_answers_us(theatre, delay: float) -> None:
    async def main() -> None:
        phone = theatre.Phone()
        phone.echo_after(delay, attenuation=0.2)
        async with theatre.session(phone=phone) as stage:
            job = stage.line.speak(Speech(text=LONG))
            await anyio.sleep(delay + 0.1)
            stage.stt.hear(SpeechBegan())
            await anyio.sleep(1.5)
            stage.stt.hear(SpeechPartial(text="one two three"))
            assert (await job.played()).complete
            stage.stt.hear(SpeechFinal(text="one two three for five six"))
            await anyio.sleep(1)
            told = {kind for kind, _ in stage.desk.log}
            assert not told & {"began", "partial", "heard"}
            assert stage.phone.clears == [] and stage.counters.echoes == 2

    theatre.run(main)


def test_a_caller_who_speaks_on_discards_the_reply_that_is_being_made(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:

            async def think_long(heard: Heard) -> None:
                if heard.text == "one more":
                    return
                stage.line.speak(Speech(text="let me see"))
                await anyio.sleep(60)

            stage.desk.answer = think_long
            stage.tts.first_after = 2.0
            stage.stt.hear(SpeechBegan(), SpeechFinal(text="a question"))
            await stage.desk.until("heard")
            await anyio.sleep(0.1)
            stage.stt.hear(SpeechBegan(), SpeechPartial(text="one"), SpeechFinal(text="one more"))
            await stage.desk.until("heard", 2)
            await anyio.sleep(5)
            assert stage.desk.cancelled == ["a question"]
            assert stage.phone.frames == [], "nothing of the discarded reply is played"

    theatre.run(main)


def test_a_cough_delays_the_reply_and_does_not_discard_it(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:

            async def answer(heard: Heard) -> None:
                await anyio.sleep(0.5)
                stage.extra["job"] = stage.line.speak(Speech(text="here you are"))

            stage.desk.answer = answer
            stage.stt.hear(SpeechBegan(), SpeechFinal(text="a question"))
            await stage.desk.until("heard")
            stage.stt.hear(SpeechBegan())
            stage.phone.speak(1.0)
            await anyio.sleep(1.5)
            assert stage.phone.frames == []
            stage.stt.hear(SpeechFinal(text=""))
            await anyio.sleep(0.1)
            assert (await stage.extra["job"].played()).complete
            assert stage.desk.cancelled == []

    theatre.run(main)


def test_a_noise_that_recognition_never_ends_delays_the_reply_only_for_a_moment(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:

            async def answer(heard: Heard) -> None:
                await anyio.sleep(0.1)
                stage.extra["job"] = stage.line.speak(Speech(text="here you are"))

            stage.desk.answer = answer
            stage.stt.hear(SpeechBegan(), SpeechFinal(text="a question"))
            await stage.desk.until("heard")
            stage.stt.hear(SpeechBegan())
            stage.phone.speak(0.6)
            await anyio.sleep(0.5)
            assert stage.phone.frames == []
            await anyio.sleep(0.6 + 1.5)
            assert stage.phone.frames

    theatre.run(main)


def test_voice_activity_stops_us_before_recognition_says_anything(theatre) -> None:
    async def main() -> None:
        async with theatre.session(vad=theatre.LoudVad()) as stage:
            stage.line.speak(Speech(text=LONG))
            await anyio.sleep(1)
            stage.phone.speak(1.0)
            began = anyio.current_time()
            assert await stage.phone.until_cleared() - began == pytest.approx(0.52, abs=0.06)

    theatre.run(main)


def test_when_speech_ended_is_measured_where_recognition_does_not_know(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            noted: list[Heard] = []

            async def note(heard: Heard) -> None:
                noted.append(heard)

            stage.desk.answer = note
            stage.phone.speak(1.0)
            await anyio.sleep(0.2)
            stage.stt.hear(SpeechBegan())
            await anyio.sleep(1.5)
            stage.stt.hear(SpeechFinal(text="yes"))
            await stage.desk.until("heard")
            await anyio.sleep(0.1)
            waited = noted[0].transcript_at - noted[0].speech_ended_at
            assert waited == pytest.approx(0.7, abs=0.05)

    theatre.run(main)


def test_when_speech_ended_is_told_in_dates(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            noted: list[Heard] = []

            async def note(heard: Heard) -> None:
                noted.append(heard)

            stage.desk.answer = note
            stage.stt.hear(SpeechFinal(text=" yes ", speech_ended_ago=0.8))
            await stage.desk.until("heard")
            await anyio.sleep(0.1)
            assert noted[0].text == "yes"
            assert noted[0].transcript_at - noted[0].speech_ended_at == pytest.approx(0.8)

    theatre.run(main)
