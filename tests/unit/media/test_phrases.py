"""Phrases that are made ahead: ready at once, shared, bounded, and never in anybody's way."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from voicecall.errors import SpeechError
from voicecall.media import phrases
from voicecall.media.counters import MediaCounters
from voicecall.media.phrases import LONGEST_TEXT, PhraseBook, PreparedVoice
from voicecall.media.synthesis import Synthesis
from voicecall.media.voices import Voices
from voicecall.model.call import CallMode, CallRecord, CallState, Direction
from voicecall.model.ids import CallId
from voicecall.model.media import MULAW_8K, PCM16_8K, Audio, AudioFormat
from voicecall.model.speech import Utterance
from voicecall.sdk.tts import TtsBackend

SECOND = bytes(PCM16_8K.bytes_per_second)
HELLO = Utterance(text="hello there")


class Counting(TtsBackend):
    """A second of audio in ten pieces, each after `pace` seconds; keeps what it was asked."""

    def __init__(self, *, pace: float = 0.1, format: AudioFormat = PCM16_8K) -> None:
        self.pace = pace
        self.format = format
        self.asked: list[str] = []
        self.finished: list[str] = []
        self.failures: list[SpeechError] = []
        self.fails_after = 0
        self.seconds = 1.0

    async def synthesize(self, utterance: Utterance, out: Any) -> None:
        self.asked.append(utterance.text)
        size = int(self.format.bytes_per_second * self.seconds / 10)
        for number in range(10):
            await anyio.sleep(self.pace)
            if self.failures and number >= self.fails_after:
                raise self.failures.pop(0)
            await out.write(Audio(data=bytes([number * 2] * size), format=self.format))
        self.finished.append(utterance.text)


class Ear:
    """An `AudioSink` that dates what it takes."""

    def __init__(self) -> None:
        self.audio = b""
        self.formats: set[AudioFormat] = set()
        self.first_at: float | None = None

    async def write(self, audio: Audio) -> None:
        if self.first_at is None:
            self.first_at = anyio.current_time()
        self.audio += audio.data
        self.formats.add(audio.format)


class World:
    """One voice and its book."""

    def __init__(self, tasks: Any, *backends: TtsBackend) -> None:
        self.counters = MediaCounters()
        self.book = PhraseBook(MULAW_8K, tasks, self.counters)
        self.voice = self.another(*backends)

    def another(self, *backends: TtsBackend) -> PreparedVoice:
        named = [(f"tts{number}", backend) for number, backend in enumerate(backends, 1)]
        return PreparedVoice(Synthesis(named, logging.getLogger("test.tts")), self.book)


async def heard(voice: PreparedVoice, utterance: Utterance = HELLO) -> Ear:
    ear = Ear()
    await voice.synthesize(utterance, ear)
    return ear


def play(tools: Any, scene: Callable[[World], Awaitable[None]], *backends: TtsBackend) -> None:
    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            await scene(World(tasks, *backends))
            tasks.cancel_scope.cancel()

    tools.run(main)


def test_a_prepared_phrase_is_there_at_once_as_the_streams_own_audio(tools) -> None:
    backend = Counting()

    async def scene(world: World) -> None:
        await world.voice.prepare(HELLO)
        began = anyio.current_time()
        ear = await heard(world.voice)
        assert ear.first_at == began
        assert ear.formats == {MULAW_8K} and len(ear.audio) == 8000
        assert world.counters.phrases_prepared == 1
        assert backend.asked == [HELLO.text]

    play(tools, scene, backend)


def test_audio_that_is_the_streams_own_already_is_kept_byte_for_byte(tools) -> None:
    backend = Counting(format=MULAW_8K)

    async def scene(world: World) -> None:
        unprepared = await heard(world.voice)
        await world.voice.prepare(HELLO)
        assert (await heard(world.voice)).audio == unprepared.audio
        assert len(backend.asked) == 2

    play(tools, scene, backend)


def test_a_phrase_that_is_still_being_made_is_said_as_far_as_it_has_come(tools) -> None:
    backend = Counting(pace=0.5)

    async def scene(world: World) -> None:
        async with anyio.create_task_group() as call:
            call.start_soon(world.voice.prepare, HELLO)
            await anyio.sleep(1.2)
            began = anyio.current_time()
            ear = await heard(world.voice)
            assert ear.first_at == began, "what was made while it rang leaves at once"
            assert anyio.current_time() - began == pytest.approx(3.8)
        assert len(ear.audio) == 8000 and backend.asked == [HELLO.text]

    play(tools, scene, backend)


def test_what_is_not_prepared_is_made_when_it_is_said(tools) -> None:
    backend = Counting()

    async def scene(world: World) -> None:
        await world.voice.prepare(Utterance(text="something else"))
        assert (await heard(world.voice)).audio
        assert backend.asked == ["something else", HELLO.text]

    play(tools, scene, backend)


def test_a_failed_prefetch_changes_nothing(tools, caplog) -> None:
    chosen, fallback = Counting(), Counting()
    chosen.failures = [SpeechError("no"), SpeechError("no")]
    fallback.failures = [SpeechError("neither")]

    async def scene(world: World) -> None:
        await world.voice.prepare(HELLO)
        assert (await heard(world.voice)).audio
        assert (len(chosen.asked), len(fallback.asked)) == (2, 2), "the whole chain, once more"
        await world.voice.prepare(HELLO)
        await heard(world.voice)
        assert len(chosen.asked) == 3, "the next call's is made ahead again"

    with caplog.at_level(logging.INFO):
        play(tools, scene, chosen, fallback)
    assert "a phrase was not made ahead" in caplog.messages


def test_a_phrase_that_fails_while_it_is_awaited_is_made_anew_by_the_chain(tools) -> None:
    chosen, fallback = Counting(pace=1.0), Counting()
    chosen.failures = [SpeechError("no"), SpeechError("no")]
    fallback.failures = [SpeechError("neither")]

    async def scene(world: World) -> None:
        async with anyio.create_task_group() as call:
            call.start_soon(world.voice.prepare, HELLO)
            await anyio.sleep(0.5)
            assert (await heard(world.voice)).audio
        assert len(fallback.asked) == 2

    play(tools, scene, chosen, fallback)


def test_a_phrase_that_breaks_off_while_it_is_said_is_a_failure_like_any_other(tools) -> None:
    backend = Counting(pace=1.0)
    backend.failures, backend.fails_after = [SpeechError("lost")], 5

    async def scene(world: World) -> None:
        async with anyio.create_task_group() as call:
            call.start_soon(world.voice.prepare, HELLO)
            await anyio.sleep(2.5)
            ear = Ear()
            with pytest.raises(SpeechError, match="lost"):
                await world.voice.synthesize(HELLO, ear)
            assert ear.audio
        assert (await heard(world.voice)).audio
        assert backend.finished == [HELLO.text], "the broken one was not kept"

    play(tools, scene, backend)


def test_a_fallbacks_phrase_is_said_but_made_anew_for_the_next_call(tools) -> None:
    chosen, fallback = Counting(), Counting()
    chosen.failures = [SpeechError("overloaded")]

    async def scene(world: World) -> None:
        await world.voice.prepare(HELLO)
        await heard(world.voice)
        assert (len(chosen.asked), len(fallback.asked)) == (1, 1)
        await world.voice.prepare(HELLO)
        await world.voice.prepare(HELLO)
        await heard(world.voice)
        assert (chosen.finished, len(fallback.asked)) == ([HELLO.text], 1)

    play(tools, scene, chosen, fallback)


def test_a_call_that_ends_while_it_rings_makes_its_phrase_no_further(tools) -> None:
    backend = Counting(pace=1.0)

    async def scene(world: World) -> None:
        with anyio.move_on_after(2.5):
            await world.voice.prepare(HELLO)
        await anyio.sleep(60)
        assert backend.finished == []
        await world.voice.prepare(HELLO)
        assert backend.finished == [HELLO.text]

    play(tools, scene, backend)


def test_a_phrase_of_two_calls_outlives_the_one_that_ends(tools) -> None:
    backend = Counting(pace=1.0)

    async def scene(world: World) -> None:
        async with anyio.create_task_group() as calls:
            calls.start_soon(world.voice.prepare, HELLO)
            await anyio.sleep(1)
            with anyio.move_on_after(2.5):
                await world.voice.prepare(HELLO)
        assert (backend.asked, backend.finished) == ([HELLO.text], [HELLO.text])

    play(tools, scene, backend)


def test_voices_do_not_speak_each_others_phrases(tools) -> None:
    first, second = Counting(), Counting()

    async def scene(world: World) -> None:
        other = world.another(second)
        await world.voice.prepare(HELLO)
        await heard(other)
        await heard(other, Utterance(text=HELLO.text, voice="Anna"))
        assert (len(first.asked), len(second.asked)) == (1, 2)

    play(tools, scene, first)


def test_what_is_kept_is_bounded_and_the_least_lately_used_goes(tools, monkeypatch) -> None:
    backend = Counting()
    monkeypatch.setattr(phrases, "KEPT_SECONDS", 3.0)

    async def scene(world: World) -> None:
        for text in ("one", "two", "three"):
            await world.voice.prepare(Utterance(text=text))
        await heard(world.voice, Utterance(text="one"))
        await world.voice.prepare(Utterance(text="four"))
        backend.asked.clear()
        for text in ("one", "three", "four", "two"):
            await heard(world.voice, Utterance(text=text))
        assert backend.asked == ["two"]

    play(tools, scene, backend)


def test_a_very_long_text_is_not_made_ahead(tools) -> None:
    backend = Counting()

    async def scene(world: World) -> None:
        await world.voice.prepare(Utterance(text="x" * (LONGEST_TEXT + 1)))
        assert backend.asked == []

    play(tools, scene, backend)


def test_a_backend_that_never_ends_a_phrase_is_stopped(tools) -> None:
    backend = Counting()
    backend.seconds = 10_000.0

    async def scene(world: World) -> None:
        await world.voice.prepare(HELLO)
        assert backend.finished == []

    play(tools, scene, backend)


@pytest.mark.parametrize(
    ("direction", "to", "own"),
    [
        (Direction.INBOUND, "+15550001111", True),
        (Direction.INBOUND, "+15550003333", False),
        (Direction.OUTBOUND, "+15550001111", False),
    ],
)
def test_a_call_to_a_number_with_a_voice_of_its_own_is_spoken_to_in_it(
    tools, direction: Direction, to: str, own: bool
) -> None:
    general, special = Counting(), Counting()
    record = CallRecord(
        call_id=CallId("c"),
        provider="acme",
        direction=direction,
        mode=CallMode.CONVERSATION,
        state=CallState.RINGING,
        from_number="+15550002222",
        to_number=to,
        started_at=0.0,
    )

    async def scene(world: World) -> None:
        voices = Voices(world.voice, {"+15550001111": world.another(special)})
        await voices.prepare(record, HELLO.text)
        assert (len(general.asked), len(special.asked)) == ((0, 1) if own else (1, 0))
        await heard(voices.of(record))
        assert len(general.asked) + len(special.asked) == 1

    play(tools, scene, general)
