"""Do speech models speak over a real connection, and what when OpenAI does not play along?"""

from __future__ import annotations

import logging
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicecall.sdk import SpeechError, TtsBackend, Utterance
from voicecall_tts_openai.config import OpenAiTtsConfig
from voicecall_tts_openai.pieces import PCM16_24K, Patience, WholeSamples
from voicecall_tts_openai.speech_api import open_speech_api
from voicecall_tts_openai.testing import KEY, Answer, audio_of, speech_double

pytestmark = pytest.mark.anyio

TEXT = "Hello, this is voicecall. How can I help you today?"
MODEL = "gpt-4o-mini-tts"


async def failure(backend: TtsBackend, recording: Any) -> SpeechError:
    with pytest.raises(SpeechError) as caught, anyio.fail_after(10):
        await backend.synthesize(Utterance(text=TEXT), recording)
    assert KEY not in str(caught.value) and TEXT not in str(caught.value)
    return caught.value


async def test_every_sample_arrives_as_24_khz_pcm(opened: Any, recording: Any) -> None:
    async with speech_double() as (double, url), opened(url, model=MODEL) as backend:
        await backend.synthesize(Utterance(text=TEXT), recording)
    assert recording.data == audio_of(TEXT)
    assert {piece.format for piece in recording.pieces} == {PCM16_24K}
    assert double.bodies == [
        {
            "model": MODEL,
            "input": TEXT,
            "voice": "alloy",
            "response_format": "pcm",
            "speed": 1.0,
        }
    ]


async def test_odd_pieces_are_joined_to_whole_samples(opened: Any, recording: Any) -> None:
    answer = Answer(sizes=(1, 3, 159, 4801))
    async with speech_double(answer) as (_, url), opened(url, model=MODEL) as backend:
        await backend.synthesize(Utterance(text=TEXT), recording)
    assert recording.data == audio_of(TEXT)
    assert all(len(piece.data) % 2 == 0 for piece in recording.pieces)


async def test_the_first_audio_leaves_before_the_sentence_is_complete(
    opened: Any, recording: Any
) -> None:
    answer = Answer(sizes=(480,), stall_after=960)
    async with (
        speech_double(answer) as (double, url),
        opened(url, model=MODEL) as backend,
        anyio.create_task_group() as group,
    ):
        group.start_soon(backend.synthesize, Utterance(text=TEXT), recording)
        with anyio.fail_after(10):
            await double.stalled.wait()
            await recording.begun.wait()
        assert len(recording.data) <= 960
        double.go_on.set()
    assert recording.data == audio_of(TEXT)


async def test_what_is_configured_is_asked_for(opened: Any, recording: Any) -> None:
    options = {"model": MODEL, "voice": "coral", "speed": 1.25, "instructions": "Calmly."}
    async with speech_double() as (double, url), opened(url, **options) as backend:
        await backend.synthesize(Utterance(text="One."), recording)
        await backend.synthesize(Utterance(text="Two.", voice="voice_1234"), recording)
    first, second = double.bodies
    assert (first["voice"], first["speed"], first["instructions"]) == ("coral", 1.25, "Calmly.")
    assert second["voice"] == {"id": "voice_1234"}


async def test_instructions_are_kept_from_a_model_that_takes_none(
    opened: Any, recording: Any
) -> None:
    options = {"model": "tts-1", "instructions": "Calmly."}
    async with speech_double() as (double, url), opened(url, **options) as backend:
        await backend.synthesize(Utterance(text="One."), recording)
    assert "instructions" not in double.bodies[0]


async def test_a_text_beyond_the_limit_is_sent_in_portions(opened: Any, recording: Any) -> None:
    sentence = "This sentence has some forty characters. "
    async with speech_double() as (double, url), opened(url, model=MODEL) as backend:
        await backend.synthesize(Utterance(text=sentence * 250), recording)
    assert len(double.asked) == 3
    assert " ".join(double.asked) == (sentence * 250).strip()
    assert recording.data == b"".join(map(audio_of, double.asked))


async def test_nothing_to_pronounce_is_not_sent(opened: Any, recording: Any) -> None:
    async with speech_double() as (double, url), opened(url, model=MODEL) as backend:
        for text in ("", "   ", "…!?"):
            await backend.synthesize(Utterance(text=text), recording)
    assert double.asked == [] and recording.pieces == []


async def test_several_utterances_are_spoken_at_once(opened: Any, recording: Any) -> None:
    others = [type(recording)() for _ in range(5)]
    async with (
        speech_double() as (_, url),
        opened(url, model=MODEL) as backend,
        anyio.create_task_group() as group,
    ):
        for number, sink in enumerate(others):
            group.start_soon(backend.synthesize, Utterance(text=f"Number {number}."), sink)
    assert [sink.data for sink in others] == [audio_of(f"Number {n}.") for n in range(5)]


async def test_a_cancelled_utterance_drops_its_connection(opened: Any, recording: Any) -> None:
    answer = Answer(sizes=(480,), stall_after=960)
    async with speech_double(answer) as (double, url), opened(url, model=MODEL) as backend:
        async with anyio.create_task_group() as group:
            group.start_soon(backend.synthesize, Utterance(text=TEXT), recording)
            with anyio.fail_after(10):
                await recording.begun.wait()
            group.cancel_scope.cancel()
        double.go_on.set()
        with anyio.fail_after(10):
            await double.lost.wait()


@pytest.mark.parametrize(
    ("status", "fault", "retryable", "names"),
    [
        (
            401,
            {"code": "invalid_api_key"},
            False,
            ["tts.providers.openai.apiKey", "OPENAI_API_KEY"],
        ),
        (403, {"code": "unsupported_country_region_territory"}, False, ["country"]),
        (404, {"code": "model_not_found"}, False, [MODEL, "model"]),
        (429, {"code": "insufficient_quota"}, False, ["billing"]),
        (429, {"code": "rate_limit_exceeded"}, True, ["too often"]),
        (400, {"code": "invalid_value", "param": "voice"}, False, ["'voice'"]),
        (500, {"type": "server_error"}, True, ["500"]),
        (503, {}, True, ["503"]),
    ],
)
async def test_a_refusal_says_what_to_do_and_whether_to_try_again(
    opened: Any,
    recording: Any,
    status: int,
    fault: dict[str, str],
    retryable: bool,
    names: list[str],
) -> None:
    answer = Answer(status=status, fault=fault)
    async with speech_double(answer) as (_, url), opened(url, model=MODEL) as backend:
        error = await failure(backend, recording)
    assert error.retryable is retryable
    assert all(name in str(error) for name in names), str(error)
    assert recording.pieces == []


async def test_a_wrong_key_names_the_key_and_its_variable_and_shows_neither(
    opened: Any, recording: Any
) -> None:
    secret = "sk-proj-another-key"
    async with speech_double() as (_, url), opened(url, model=MODEL, apiKey=secret) as backend:
        error = await failure(backend, recording)
    assert "OPENAI_API_KEY" in str(error) and "tts.providers.openai.apiKey" in str(error)
    assert secret not in repr(error.__cause__) + str(error)


async def test_a_connection_lost_in_the_middle_may_be_tried_again(
    opened: Any, recording: Any
) -> None:
    answer = Answer(sizes=(480,), cut_after=1440)
    async with speech_double(answer) as (_, url), opened(url, model=MODEL) as backend:
        error = await failure(backend, recording)
        assert error.retryable
        assert recording.data == audio_of(TEXT)[:1440]
        await backend.synthesize(Utterance(text="Again."), recording)
    assert recording.data.endswith(audio_of("Again."))


async def test_nobody_at_the_address_may_be_tried_again(opened: Any, recording: Any) -> None:
    async with speech_double() as (_, url):
        pass
    async with opened(url, model=MODEL) as backend:
        error = await failure(backend, recording)
    assert error.retryable and "cannot be reached" in str(error)


async def test_a_page_instead_of_audio_is_never_played(opened: Any, recording: Any) -> None:
    answer = Answer(kind="text/html; charset=utf-8")
    async with speech_double(answer) as (_, url), opened(url, model=MODEL) as backend:
        error = await failure(backend, recording)
    assert "baseUrl" in str(error) and recording.pieces == []


async def test_silence_in_the_middle_is_an_error_after_the_patience(recording: Any) -> None:
    answer = Answer(sizes=(480,), stall_after=960)
    async with speech_double(answer) as (double, url):
        config = OpenAiTtsConfig(api_key=KEY, base_url=url, model=MODEL)
        patience = Patience(silence_seconds=0.05)
        async with open_speech_api(config, patience=patience) as backend:
            error = await failure(backend, recording)
        double.go_on.set()
    assert error.retryable and "0.05 s" in str(error)
    assert recording.data == audio_of(TEXT)[:960]


async def test_neither_key_nor_text_reach_any_log(
    opened: Any, recording: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with speech_double() as (_, url), opened(url, model=MODEL) as backend:
        await backend.synthesize(Utterance(text=TEXT), recording)
    assert "audio/speech" in caplog.text
    assert KEY not in caplog.text and TEXT not in caplog.text


@given(st.binary(max_size=400), st.lists(st.integers(1, 50), min_size=1))
@settings(max_examples=50)
def test_whole_samples_lose_nothing(data: bytes, sizes: list[int]) -> None:
    samples, joined, at = WholeSamples(), b"", 0
    for size in sizes * 400:
        piece = samples.feed(data[at : at + size])
        assert len(piece) % 2 == 0
        joined, at = joined + piece, at + size
    assert joined == data[: len(data) & ~1]
