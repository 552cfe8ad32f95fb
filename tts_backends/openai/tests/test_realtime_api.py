"""Do realtime models read texts out over a real WebSocket, word for word and one after another?"""

from __future__ import annotations

import logging
from typing import Any

import anyio
import pytest

from voicecall.sdk import SpeechError, TtsBackend, Utterance
from voicecall_tts_openai.config import OpenAiTtsConfig
from voicecall_tts_openai.pieces import PCM16_24K, Patience
from voicecall_tts_openai.realtime_api import open_realtime_api
from voicecall_tts_openai.testing import KEY, Answer, audio_of, realtime_double

pytestmark = pytest.mark.anyio

TEXT = "It's twelve o'clock. Shall I book the table?"
MODEL = "gpt-realtime-2.1"
FAILED = {"type": "server_error", "code": "internal_error"}


async def failure(backend: TtsBackend, recording: Any) -> SpeechError:
    with pytest.raises(SpeechError) as caught, anyio.fail_after(10):
        await backend.synthesize(Utterance(text=TEXT), recording)
    assert KEY not in str(caught.value) and TEXT not in str(caught.value)
    return caught.value


async def test_every_sample_arrives_as_24_khz_pcm(opened: Any, recording: Any) -> None:
    answer = Answer(sizes=(1, 4799, 3))
    async with realtime_double(answer) as (double, url), opened(url, model=MODEL) as backend:
        await backend.synthesize(Utterance(text=TEXT), recording)
    assert recording.data == audio_of(TEXT)
    assert {piece.format for piece in recording.pieces} == {PCM16_24K}
    assert double.asked == [TEXT]


async def test_the_first_audio_leaves_before_the_sentence_is_complete(
    opened: Any, recording: Any
) -> None:
    answer = Answer(sizes=(480,), stall_after=960)
    async with (
        realtime_double(answer) as (double, url),
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


async def test_the_session_reads_with_the_configured_voice_and_hears_nothing(
    opened: Any, recording: Any
) -> None:
    options = {"model": MODEL, "voice": "cedar", "speed": 2.0, "instructions": "Warmly."}
    async with realtime_double() as (double, url), opened(url, **options) as backend:
        await backend.synthesize(Utterance(text=TEXT), recording)
    (session,) = double.sessions
    assert "word for word" in session["instructions"] and "Warmly." in session["instructions"]
    assert session["audio"]["output"]["voice"] == "cedar"
    assert session["audio"]["output"]["speed"] == 1.5


async def test_one_socket_serves_one_sentence_after_another(opened: Any, recording: Any) -> None:
    async with realtime_double() as (double, url), opened(url, model=MODEL) as backend:
        for text in ("One.", "Two.", "Three."):
            await backend.synthesize(Utterance(text=text), recording)
    assert double.sockets == 1
    assert recording.data == b"".join(map(audio_of, ("One.", "Two.", "Three.")))


async def test_another_voice_and_another_call_have_sockets_of_their_own(
    opened: Any, recording: Any
) -> None:
    other = type(recording)()
    async with realtime_double() as (double, url), opened(url, model=MODEL) as backend:
        async with anyio.create_task_group() as group:
            group.start_soon(backend.synthesize, Utterance(text="One."), recording)
            group.start_soon(backend.synthesize, Utterance(text="Two."), other)
        await backend.synthesize(Utterance(text="Three.", voice="ash"), recording)
    assert double.sockets == 3
    assert {session["audio"]["output"]["voice"] for session in double.sessions} == {"marin", "ash"}
    assert other.data == audio_of("Two.")


async def test_an_interrupted_socket_is_not_used_again(opened: Any, recording: Any) -> None:
    answer = Answer(sizes=(480,), stall_after=960)
    async with realtime_double(answer) as (double, url), opened(url, model=MODEL) as backend:
        async with anyio.create_task_group() as group:
            group.start_soon(backend.synthesize, Utterance(text=TEXT), recording)
            with anyio.fail_after(10):
                await recording.begun.wait()
            group.cancel_scope.cancel()
        double.go_on.set()
        fresh = type(recording)()
        await backend.synthesize(Utterance(text="Again."), fresh)
    assert double.sockets == 2 and fresh.data == audio_of("Again.")


async def test_a_socket_that_was_lost_while_idle_is_replaced(opened: Any, recording: Any) -> None:
    async with opened("http://127.0.0.1:9", model=MODEL) as nobody:
        error = await failure(nobody, recording)
    assert error.retryable and "cannot be reached" in str(error)
    answer = Answer(cut_after=960, sizes=(480,))
    async with realtime_double(Answer(), answer) as (double, url), opened(url, model=MODEL) as one:
        await one.synthesize(Utterance(text="One."), recording)
        error = await failure(one, recording)
        assert error.retryable and "lost" in str(error)
        await one.synthesize(Utterance(text="Two."), recording)
    assert double.sockets == 2
    assert recording.data.endswith(audio_of("Two."))


@pytest.mark.parametrize(
    ("answer", "retryable", "names"),
    [
        (Answer(status=401, fault={"code": "invalid_api_key"}), False, "OPENAI_API_KEY"),
        (Answer(status=429, fault={"code": "insufficient_quota"}), False, "billing"),
        (Answer(status=503), True, "503"),
        (Answer(fault=FAILED), True, "internal_error"),
        (Answer(fault={"type": "invalid_request_error", "param": "voice"}), False, "'voice'"),
        (Answer(end={"status": "failed", "status_details": {"error": FAILED}}), True, "internal"),
        (
            Answer(end={"status": "incomplete", "status_details": {"reason": "content_filter"}}),
            False,
            "content_filter",
        ),
        (Answer(end={"status": "cancelled"}), True, "cancelled"),
    ],
)
async def test_a_refusal_says_what_to_do_and_whether_to_try_again(
    opened: Any, recording: Any, answer: Answer, retryable: bool, names: str
) -> None:
    async with realtime_double(answer) as (_, url), opened(url, model=MODEL) as backend:
        error = await failure(backend, recording)
    assert error.retryable is retryable
    assert names in str(error)


async def test_a_wrong_key_is_told_in_the_handshake(opened: Any, recording: Any) -> None:
    async with realtime_double() as (_, url), opened(url, model=MODEL, apiKey="sk-no") as backend:
        error = await failure(backend, recording)
    assert "OPENAI_API_KEY" in str(error) and "sk-no" not in str(error)


async def test_silence_in_the_middle_is_an_error_after_the_patience(recording: Any) -> None:
    answer = Answer(sizes=(480,), stall_after=960)
    async with realtime_double(answer) as (double, url):
        config = OpenAiTtsConfig(api_key=KEY, base_url=url, model=MODEL)
        patience, logger = Patience(silence_seconds=0.05), logging.getLogger("test")
        async with open_realtime_api(config, logger=logger, patience=patience) as backend:
            error = await failure(backend, recording)
        double.go_on.set()
    assert error.retryable and "0.05 s" in str(error)


async def test_other_words_than_the_text_are_noted_without_the_words(
    opened: Any, recording: Any, caplog: pytest.LogCaptureFixture
) -> None:
    answers = (Answer(said="It's twelve o’clock! Shall I book the table"), Answer(said="Sure!"))
    async with realtime_double(*answers) as (_, url), opened(url, model=MODEL) as backend:
        await backend.synthesize(Utterance(text=TEXT), recording)
        assert "did not keep to the text" not in caplog.text
        await backend.synthesize(Utterance(text=TEXT), recording)
    assert "did not keep to the text" in caplog.text and "Sure" not in caplog.text


async def test_a_long_text_is_read_in_portions_on_one_socket(opened: Any, recording: Any) -> None:
    sentence = "This sentence has some forty characters. "
    async with realtime_double() as (double, url), opened(url, model=MODEL) as backend:
        await backend.synthesize(Utterance(text=sentence * 80), recording)
        await backend.synthesize(Utterance(text="…"), recording)
    assert (len(double.asked), double.sockets) == (3, 1)
    assert recording.data == b"".join(map(audio_of, double.asked))


async def test_neither_key_nor_text_reach_any_log(
    opened: Any, recording: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, "websockets.server")
    async with realtime_double() as (_, url), opened(url, model=MODEL) as backend:
        await backend.synthesize(Utterance(text=TEXT), recording)
    assert KEY not in caplog.text and TEXT not in caplog.text
