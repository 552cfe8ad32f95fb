"""Playback on a carrier, in virtual time."""

from __future__ import annotations

import logging

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.calls.line import Speech
from voicecall.errors import CapacityExceeded, SpeechError
from voicecall.media.counters import MediaCounters
from voicecall.media.g711 import mulaw_encode
from voicecall.media.jobs import heard_text
from voicecall.media.phrases import PhraseBook, PreparedVoice
from voicecall.media.playback import LEAD_SECONDS
from voicecall.media.synthesis import Synthesis
from voicecall.model.media import MULAW_8K, PCM16_8K
from voicecall.model.speech import Utterance

LONG = "one two three four five six seven eight nine ten eleven twelve"


def wire_audio(data: bytes, format=PCM16_8K) -> bytes:
    """What must arrive: `data` as µ-law, its last frame filled up."""
    if format == PCM16_8K:
        data = mulaw_encode(np.frombuffer(data, "<i2").astype(np.int16))
    return data + b"\xff" * (-len(data) % 160)


@pytest.mark.parametrize("format", [PCM16_8K, MULAW_8K])
def test_chunks_of_random_sizes_leave_as_exact_frames_and_every_sample_arrives(
    theatre, format
) -> None:
    async def main() -> None:
        async with theatre.session(tts=theatre.NoiseTts(format)) as stage:
            spoken = await stage.say(LONG)
            assert spoken.complete
            assert {len(frame) for _, frame in stage.phone.frames} == {160}
            assert bytes(stage.phone.ear) == wire_audio(stage.tts.audio(LONG), format)
            assert stage.counters.frames_out == len(stage.phone.frames)

    theatre.run(main)


def test_frames_never_leave_further_ahead_than_the_lead_and_never_with_a_gap(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            await stage.say(LONG)
            times = [at for at, _ in stage.phone.frames]
            ahead = [(n + 1) * 0.02 - (at - times[0]) for n, at in enumerate(times)]
            assert max(ahead) == pytest.approx(LEAD_SECONDS)
            assert stage.phone.gaps <= 1
            steady = np.diff(times[20:])
            assert abs(steady.mean() - 0.02) < 1e-6

    theatre.run(main)


def test_a_stalled_sender_catches_up_and_does_not_drift(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            stage.line.speak(Speech(text=LONG))
            await anyio.sleep(1)
            stage.phone.socket.frozen = True
            await anyio.sleep(0.2)
            stage.phone.socket.thaw()
            await stage.line.drained()
            assert stage.phone.gaps <= 1
            assert stage.counters.underruns == 0

    theatre.run(main)


def test_the_first_audio_leaves_before_the_sentence_is_made(theatre) -> None:
    async def main() -> None:
        async with theatre.session(tts=theatre.NoiseTts(pace=0.5)) as stage:
            job = stage.line.speak(Speech(text=LONG))
            await anyio.sleep(0.3)
            assert stage.phone.frames and stage.tts.finished == []
            assert (await job.played()).complete
            assert stage.phone.gaps <= 1

    theatre.run(main)


def test_a_prepared_greeting_leaves_at_once_when_the_stream_is_up(theatre) -> None:
    async def main() -> None:
        tts = theatre.NoiseTts(first_after=1.0, pace=0.5)
        async with anyio.create_task_group() as tasks:
            synthesis = Synthesis([("noise", tts)], logging.getLogger("test.tts"))
            voice = PreparedVoice(synthesis, PhraseBook(MULAW_8K, tasks, MediaCounters()))
            await voice.prepare(Utterance(text=LONG))
            async with theatre.session(tts=tts, voice=voice) as stage:
                asked = anyio.current_time()
                spoken = await stage.say(LONG)
                assert stage.phone.frames[0][0] == asked
                assert spoken.complete and bytes(stage.phone.ear) == wire_audio(tts.audio(LONG))
                assert tts.finished == [LONG], "it was made once"

    theatre.run(main)


def test_sentences_of_a_reply_follow_without_a_gap(theatre) -> None:
    async def main() -> None:
        async with theatre.session(tts=theatre.NoiseTts(first_after=0.4)) as stage:
            jobs = [stage.line.speak(Speech(text=text)) for text in ("one two", "three", "four")]
            heard = [(await job.played()).heard for job in jobs]
            assert heard == ["one two", "three", "four"]
            want = b"".join(wire_audio(stage.tts.audio(text)) for text in heard)
            assert bytes(stage.phone.ear) == want
            assert stage.phone.gaps <= 1
            await stage.desk.until("speaking", 2)
            assert stage.desk.told("speaking") == [True, False]

    theatre.run(main)


def test_a_slow_backend_makes_gaps_but_loses_nothing(theatre) -> None:
    async def main() -> None:
        async with theatre.session(tts=theatre.NoiseTts(pace=1.5)) as stage:
            assert (await stage.say("one two three")).complete
            assert bytes(stage.phone.ear) == wire_audio(stage.tts.audio("one two three"))
            assert stage.counters.underruns > 0

    theatre.run(main)


def test_a_line_counts_as_heard_when_its_last_sound_was_played_not_when_it_was_sent(
    theatre,
) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            began = anyio.current_time()
            job = stage.line.speak(Speech(text="one two three"))
            spoken = await job.played()
            assert anyio.current_time() - began >= len("one two three") * 0.08
            assert spoken.first_audio_at <= spoken.first_frame_at <= spoken.first_heard_at
            assert await job.played() == spoken

    theatre.run(main)


def test_marks_that_never_come_back_leave_it_to_the_clock(theatre) -> None:
    async def main() -> None:
        phone = theatre.Phone(returns_marks=False)
        async with theatre.session(phone=phone) as stage:
            assert (await stage.say("one two three")).complete
            with anyio.fail_after(5):
                await stage.line.drained()
            assert stage.counters.late_marks == 1

    theatre.run(main)


def test_a_mark_that_comes_after_the_clock_decided_changes_nothing(theatre) -> None:
    async def main() -> None:
        phone = theatre.Phone(returns_marks=False)
        async with theatre.session(phone=phone) as stage:
            assert (await stage.say("one two three")).complete
            phone.send({"mark": phone.marks[-1]})
            assert (await stage.say("four five six")).complete

    theatre.run(main)


def test_interrupting_settles_every_waiter_at_once_with_what_was_heard(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            jobs = [stage.line.speak(Speech(text=text)) for text in (LONG, "second", "third")]
            await anyio.sleep(2)
            await stage.line.interrupt()
            with anyio.fail_after(0.001):
                first, second, third = [await job.played() for job in jobs]
            assert LONG.startswith(first.heard) and "three" in first.heard
            assert "eight" not in first.heard
            assert (second.heard, third.heard) == ("", "")
            assert second.first_frame_at is None
            await anyio.sleep(1)
            assert len(stage.phone.clears) == 1 and stage.phone.after_clear == []

    theatre.run(main)


@pytest.mark.parametrize("returns_marks", [True, False])
def test_what_was_heard_does_not_hang_on_marks(theatre, returns_marks: bool) -> None:
    async def main() -> None:
        phone = theatre.Phone(returns_marks=returns_marks)
        async with theatre.session(phone=phone) as stage:
            job = stage.line.speak(Speech(text=LONG))
            await anyio.sleep(4)
            await stage.line.interrupt()
            heard = (await job.played()).heard
            played = len(stage.phone.ear) / 8000 / 0.08
            assert len(heard) <= played + 1
            assert len(heard) >= played - 12

    theatre.run(main)


def test_marks_of_cleared_speech_do_not_complete_later_speech(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            stage.line.speak(Speech(text="short"))
            await anyio.sleep(0.2)
            await stage.line.interrupt()
            began = anyio.current_time()
            spoken = await stage.say(LONG)
            assert spoken.complete
            assert anyio.current_time() - began >= len(LONG) * 0.08

    theatre.run(main)


def test_interrupting_silence_is_not_an_error_and_clears_nothing(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            await stage.line.interrupt()
            await anyio.sleep(0.1)
            assert stage.phone.clears == []
            assert (await stage.say("one two")).complete

    theatre.run(main)


def test_the_queue_is_bounded(theatre) -> None:
    async def main() -> None:
        async with theatre.session(limits={"queued_utterances": 2}) as stage:
            stage.line.speak(Speech(text=LONG))
            await anyio.sleep(0.5)
            for text in ("second", "third"):
                stage.line.speak(Speech(text=text))
            with pytest.raises(CapacityExceeded, match="queuedUtterances"):
                stage.line.speak(Speech(text="fourth"))

    theatre.run(main)


def test_a_failed_synthesis_is_reported_and_the_next_line_is_spoken(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            stage.tts.failures["one"] = SpeechError("the voice is gone")
            first = stage.line.speak(Speech(text="one"))
            second = stage.line.speak(Speech(text="two"))
            failed = await first.played()
            assert (failed.heard, failed.failed) == ("", "the voice is gone")
            assert not failed.complete
            assert (await second.played()).complete

    theatre.run(main)


def test_the_end_of_the_stream_settles_what_was_playing(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            jobs = [stage.line.speak(Speech(text=text)) for text in (LONG, "second")]
            await anyio.sleep(2)
            stage.phone.hang_up()
            first, second = [await job.played() for job in jobs]
            assert first.failed and LONG.startswith(first.heard) and first.heard
            assert second.failed and second.heard == ""
            await stage.done.wait()
            late = await stage.line.speak(Speech(text="anyone?")).played()
            assert late.failed and late.heard == ""

    theatre.run(main)


def test_the_end_of_the_stream_knows_the_length_of_what_a_quick_voice_made(theatre) -> None:
    class Quick(theatre.NoiseTts):
        def audio(self, text: str) -> bytes:
            whole = super().audio(text)
            return whole[: len(whole) // 8 * 2]

    async def main() -> None:
        async with theatre.session(tts=Quick()) as stage:
            job = stage.line.speak(Speech(text=LONG))
            await anyio.sleep(0.02 * LONG.index("nine") + 0.1)
            stage.phone.hang_up()
            spoken = await job.played()
            assert spoken.failed and spoken.heard.startswith("one two three four five six seven")

    theatre.run(main)


def test_text_without_a_sound_is_spoken_at_once(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            assert (await stage.say("")).complete

    theatre.run(main)


@given(text=st.text(max_size=60), fraction=st.floats(0, 1, exclude_max=True))
def test_a_cut_line_ends_at_a_word(text: str, fraction: float) -> None:
    heard = heard_text(text, fraction)
    assert text.startswith(heard)
    assert len(heard) <= len(text) * fraction
    rest = text[len(heard) :]
    assert not heard or rest[:1].isspace() or not any(map(str.isspace, text.strip()))


def test_a_line_played_to_its_end_is_heard_whole() -> None:
    assert heard_text("one two", 1.0) == "one two"
