"""Does OpenAI hear over a real WebSocket, whatever happens to the connection?"""

from __future__ import annotations

import logging
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio
import pytest

from voicecall.sdk import (
    HttpResponse,
    SpeechBegan,
    SpeechError,
    SpeechFinal,
    SpeechPartial,
    SttBackend,
    SttContext,
    SystemClock,
)
from voicecall_conformance.speech.stt.spelling import Line, Transcript, spelled
from voicecall_stt_openai.backend import OpenAiStt
from voicecall_stt_openai.config import OpenAiSttConfig
from voicecall_stt_openai.plugin import voicecall_stt_backends
from voicecall_stt_openai.stream import Patience
from voicecall_stt_openai.testing import KEY, Behaviour, openai_double

LONG = "I would like to move my appointment from Monday to Thursday please"
QUICK = Patience(
    retry_seconds=(0.0, 0.01), finish_seconds=0.3, look_seconds=0.01, linger_seconds=0.05
)


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("the backend needs a WebSocket only")


def config(**section: object) -> OpenAiSttConfig:
    return OpenAiSttConfig.model_validate({"apiKey": KEY} | section)


def opened(base_url: str, **section: object) -> AbstractAsyncContextManager[SttBackend]:
    (spec,) = voicecall_stt_backends()
    context = SttContext(
        http=NoHttp(),
        clock=SystemClock(),
        logger=logging.getLogger("voicecall.plugin.openai"),
        state_dir=Path("."),
        silence_seconds=0.5,
    )
    return spec.open(config(baseUrl=base_url, **section), context)


def quick(base_url: str, patience: Patience = QUICK) -> OpenAiStt:
    return OpenAiStt(
        config(baseUrl=base_url),
        silence_seconds=0.5,
        logger=logging.getLogger("voicecall.plugin.openai"),
        patience=patience,
    )


def whole(*frames: bytes) -> Line:
    line = Line(frames)
    line.hang_up()
    return line


async def failure(backend: SttBackend, line: Line, transcript: Transcript) -> SpeechError:
    with pytest.raises(SpeechError) as caught, anyio.fail_after(10):
        await backend.transcribe(line, transcript)
    assert KEY not in str(caught.value)
    return caught.value


@pytest.mark.anyio
async def test_turns_are_told_as_they_are_written_down() -> None:
    transcript = Transcript()
    async with openai_double() as (double, url), opened(url) as backend:
        await backend.transcribe(whole(*spelled(LONG), *spelled("Thank you.")), transcript)
    assert transcript.finals == [LONG, "Thank you."]
    first = transcript.events[: transcript.events.index(SpeechBegan(), 1)]
    assert [type(event) for event in first] == [
        SpeechBegan,
        *[SpeechPartial] * (len(first) - 2),
        SpeechFinal,
    ]
    assert transcript.partials[0] == LONG[:10] and len(transcript.partials) > 5
    (session,) = double.sessions
    assert session["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 500
    assert session["audio"]["input"]["transcription"] == {"model": "gpt-transcribe"}


@pytest.mark.anyio
async def test_the_section_may_name_another_silence() -> None:
    section = {"silenceDurationMs": 300, "language": "de"}
    async with openai_double() as (double, url), opened(url, **section) as backend:
        await backend.transcribe(whole(*spelled("Hallo")), Transcript())
    heard = double.sessions[0]["audio"]["input"]
    assert heard["turn_detection"]["silence_duration_ms"] == 300
    assert heard["transcription"]["language"] == "de"


@pytest.mark.anyio
async def test_a_final_says_for_how_long_the_caller_is_silent() -> None:
    transcript, line = Transcript(), Line(spelled("Hello", 0.5))
    async with (
        openai_double() as (_, url),
        opened(url) as backend,
        anyio.create_task_group() as group,
    ):
        group.start_soon(backend.transcribe, line, transcript)
        with anyio.fail_after(10):
            await transcript.final.wait()
        line.hang_up()
    final = transcript.events[-1]
    assert isinstance(final, SpeechFinal)
    assert final.speech_ended_ago == pytest.approx(0.5)


@pytest.mark.anyio
async def test_what_was_begun_is_finished_when_the_call_ends() -> None:
    transcript = Transcript()
    async with openai_double() as (_, url):
        await quick(url).transcribe(whole(*spelled("Good bye", 0)), transcript)
    assert transcript.finals == ["Good bye"]


@pytest.mark.anyio
async def test_a_turn_that_is_written_down_late_keeps_its_place() -> None:
    transcript = Transcript()
    said = [*spelled("One"), *spelled("Two"), *spelled("Three")]
    async with openai_double(Behaviour(held=(0,))) as (_, url):
        await quick(url).transcribe(whole(*said), transcript)
    assert transcript.finals == ["One", "Two", "Three"]


@pytest.mark.anyio
async def test_a_turn_that_is_never_written_down_holds_nothing_up() -> None:
    transcript, line = Transcript(), Line([*spelled("One"), *spelled("Two")])
    patience = Patience(writing_seconds=0.02, look_seconds=0.01, linger_seconds=0.01)
    async with (
        openai_double(Behaviour(lost=(0,))) as (_, url),
        anyio.create_task_group() as group,
    ):
        group.start_soon(quick(url, patience).transcribe, line, transcript)
        with anyio.fail_after(10):
            await transcript.final.wait()
        line.hang_up()
    assert transcript.finals == ["", "Two"]


@pytest.mark.anyio
async def test_a_turn_that_cannot_be_written_down_is_given_out_as_far_as_it_is_known(
    caplog: pytest.LogCaptureFixture,
) -> None:
    transcript = Transcript()
    failed = Behaviour(failed={0: {"type": "transcription_error", "code": "unintelligible"}})
    async with openai_double(failed) as (_, url):
        await quick(url).transcribe(whole(*spelled("One"), *spelled("Two")), transcript)
    assert transcript.finals == ["One", "Two"]
    (record,) = caplog.records
    assert "could not write down" in record.message
    assert vars(record)["error"] == "unintelligible"


@pytest.mark.anyio
async def test_no_credit_in_the_middle_of_a_call_is_told_and_final() -> None:
    transcript = Transcript()
    failed = Behaviour(failed={0: {"code": "insufficient_quota"}})
    async with openai_double(failed) as (_, url):
        error = await failure(quick(url), Line(spelled("One")), transcript)
    assert not error.retryable and "billing" in str(error)
    assert transcript.finals == ["One"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "loss", [{"cut_after": 33}, {"close_after": 33}, {"close_after": 33, "close": (1000, "")}]
)
async def test_a_sentence_goes_on_over_a_lost_connection_and_nothing_is_said_twice(
    loss: dict[str, int],
) -> None:
    transcript = Transcript()
    async with openai_double(Behaviour(**loss)) as (double, url):
        await quick(url).transcribe(whole(*spelled(LONG)), transcript)
    assert transcript.finals == [LONG]
    assert transcript.events.count(SpeechBegan()) == 1 and len(double.sessions) == 2


@pytest.mark.anyio
async def test_a_connection_that_is_dead_without_a_word_is_noticed_and_replaced() -> None:
    transcript = Transcript()
    patience = Patience(ping_seconds=0.05, retry_seconds=(0.0,), linger_seconds=0.05)
    async with openai_double(Behaviour(freeze_after=33)) as (double, url):
        with anyio.fail_after(10):
            await quick(url, patience).transcribe(whole(*spelled(LONG)), transcript)
    assert transcript.finals == [LONG] and len(double.frames) == 2


@pytest.mark.anyio
async def test_what_was_written_down_is_not_sent_again() -> None:
    transcript, line = Transcript(), Line(spelled("Hello", 2))
    async with (
        openai_double(Behaviour(cut_after=110)) as (double, url),
        anyio.create_task_group() as group,
    ):
        group.start_soon(quick(url).transcribe, line, transcript)
        with anyio.fail_after(10):
            await transcript.final.wait()
        line.say(spelled("again"))
        line.hang_up()
    assert transcript.finals == ["Hello", "again"]
    letters = b"".join(double.frames[1]).replace(b"\xff", b"")
    assert letters == b"".join(spelled("again", 0))


@pytest.mark.anyio
async def test_a_turn_that_is_over_is_not_heard_again_with_the_one_that_was_cut() -> None:
    transcript, line = Transcript(), Line(spelled("Hello", 0.5))
    async with (
        openai_double(Behaviour(cut_after=60)) as (_, url),
        anyio.create_task_group() as group,
    ):
        group.start_soon(quick(url).transcribe, line, transcript)
        with anyio.fail_after(10):
            await transcript.final.wait()
        line.say(spelled(LONG))
        line.hang_up()
    assert transcript.finals == ["Hello", LONG]


@pytest.mark.anyio
async def test_a_reconnect_that_fails_first_is_tried_again() -> None:
    transcript = Transcript()
    lossy = (Behaviour(cut_after=33), Behaviour(status=503), Behaviour())
    async with openai_double(*lossy) as (double, url):
        await quick(url).transcribe(whole(*spelled(LONG)), transcript)
    assert transcript.finals == [LONG] and len(double.frames) == 2


@pytest.mark.anyio
async def test_when_no_connection_holds_the_turn_is_ended_and_the_kernel_told() -> None:
    transcript = Transcript()
    lossy = (Behaviour(cut_after=45), Behaviour(status=503), Behaviour(status=503))
    async with openai_double(*lossy) as (_, url):
        error = await failure(quick(url), Line(spelled(LONG)), transcript)
    assert error.retryable
    assert transcript.events == [SpeechBegan(), SpeechFinal(text="")]


@pytest.mark.anyio
async def test_a_session_that_expires_is_replaced() -> None:
    transcript = Transcript()
    expired = Behaviour(fault={"type": "server_error", "code": "session_expired"})
    async with openai_double(expired) as (double, url):
        await quick(url).transcribe(whole(*spelled("Hello")), transcript)
    assert transcript.finals == ["Hello"] and len(double.sessions) == 2


@pytest.mark.anyio
async def test_a_complaint_that_the_session_survives_does_no_harm() -> None:
    transcript = Transcript()
    harmless = Behaviour(fault={"code": "input_audio_buffer_commit_empty"})
    async with openai_double(harmless) as (double, url):
        await quick(url).transcribe(whole(*spelled("Hello")), transcript)
    assert transcript.finals == ["Hello"] and len(double.sessions) == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("behaviour", "section", "retryable", "names"),
    [
        (Behaviour(status=401, fault={"code": "invalid_api_key"}), {}, False, "OPENAI_API_KEY"),
        (Behaviour(status=403), {}, False, "country"),
        (Behaviour(status=429, fault={"code": "insufficient_quota"}), {}, False, "billing"),
        (Behaviour(status=429, fault={"code": "rate_limit_exceeded"}), {}, True, "rate_limit"),
        (Behaviour(status=503), {}, True, "503"),
        (Behaviour(), {"model": "gpt-nope"}, False, "'gpt-nope'"),
        (Behaviour(fault={"param": "session.audio.input.turn_detection"}), {}, False, "turn_det"),
    ],
)
async def test_a_refusal_says_what_to_do_and_whether_to_try_again(
    behaviour: Behaviour, section: dict[str, str], retryable: bool, names: str
) -> None:
    async with openai_double(behaviour) as (_, url), opened(url, **section) as backend:
        error = await failure(backend, Line(), Transcript())
    assert error.retryable is retryable
    assert names in str(error)


@pytest.mark.anyio
async def test_a_wrong_key_is_not_shown() -> None:
    async with openai_double() as (_, url), opened(url, apiKey="sk-another") as backend:
        error = await failure(backend, Line(), Transcript())
    assert "streaming.providers.openai.apiKey" in str(error)
    assert "sk-another" not in str(error) + repr(error.__cause__)


@pytest.mark.anyio
async def test_nobody_at_the_address_may_be_tried_again() -> None:
    async with openai_double() as (_, url):
        pass
    async with opened(url) as backend:
        error = await failure(backend, Line(), Transcript())
    assert error.retryable and "cannot be reached" in str(error)


@pytest.mark.anyio
async def test_new_kinds_of_events_and_a_few_broken_ones_do_no_harm(
    caplog: pytest.LogCaptureFixture,
) -> None:
    transcript = Transcript()
    odd = Behaviour(
        first=('{"type": "input_audio_buffer.new", "item_id": "x"}', "no JSON", "no JSON")
    )
    async with openai_double(odd) as (double, url):
        await quick(url).transcribe(whole(*spelled("Hello")), transcript)
    assert transcript.finals == ["Hello"] and len(double.frames) == 1
    assert "passed over" in caplog.text


@pytest.mark.anyio
async def test_where_nothing_can_be_read_the_connection_is_replaced() -> None:
    transcript = Transcript()
    async with openai_double(Behaviour(first=("no JSON",) * 20)) as (double, url):
        await quick(url).transcribe(whole(*spelled("Hello")), transcript)
    assert transcript.finals == ["Hello"] and len(double.frames) == 2


@pytest.mark.anyio
async def test_neither_key_nor_words_reach_any_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    transcript = Transcript()
    caplog.set_level(logging.INFO, "websockets.server")
    async with openai_double(Behaviour(cut_after=33)) as (_, url):
        await quick(url).transcribe(whole(*spelled(LONG)), transcript)
    assert transcript.finals and "connected anew" in caplog.text
    assert KEY not in caplog.text and LONG not in caplog.text
