"""Does Deepgram hear over a real WebSocket, whatever happens to the connection?"""

from __future__ import annotations

import logging
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio
import pytest
from pydantic import ValidationError

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
from voicecall_conformance.speech.stt.spelling import SILENCE, Line, Transcript, spelled
from voicecall_stt_deepgram.backend import DeepgramStt
from voicecall_stt_deepgram.config import DeepgramConfig
from voicecall_stt_deepgram.plugin import voicecall_stt_backends
from voicecall_stt_deepgram.stream import Patience
from voicecall_stt_deepgram.testing import KEY, Behaviour, DeepgramDouble, deepgram_double

LONG = "I would like to move my appointment from Monday to Thursday please"
QUICK = Patience(retry_seconds=(0.0, 0.01), finish_seconds=0.2, look_seconds=0.01)


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("the backend needs a WebSocket only")


def config(**section: object) -> DeepgramConfig:
    return DeepgramConfig.model_validate({"apiKey": KEY} | section)


def opened(base_url: str, **section: object) -> AbstractAsyncContextManager[SttBackend]:
    (spec,) = voicecall_stt_backends()
    context = SttContext(
        http=NoHttp(),
        clock=SystemClock(),
        logger=logging.getLogger("voicecall.plugin.deepgram"),
        state_dir=Path("."),
        silence_seconds=0.5,
    )
    return spec.open(config(baseUrl=base_url, **section), context)


def quick(base_url: str, patience: Patience = QUICK) -> DeepgramStt:
    return DeepgramStt(
        config(baseUrl=base_url),
        silence_seconds=0.5,
        logger=logging.getLogger("voicecall.plugin.deepgram"),
        patience=patience,
    )


def without_spaces(text: str) -> str:
    """A stretch may be settled in the middle of a word."""
    return text.replace(" ", "")


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
async def test_a_sentence_is_told_while_it_is_said_and_when_it_is_over() -> None:
    transcript = Transcript()
    async with deepgram_double() as (double, url), opened(url) as backend:
        await backend.transcribe(whole(*spelled(LONG), *spelled("Thank you.")), transcript)
    assert transcript.finals == [LONG, "Thank you."]
    first = transcript.events[: transcript.events.index(SpeechBegan(), 1)]
    assert [type(event) for event in first] == [
        SpeechBegan,
        *[SpeechPartial] * (len(first) - 2),
        SpeechFinal,
    ]
    assert transcript.partials[0] == LONG[:10] and len(transcript.partials) > 5
    assert double.controls == ["CloseStream"]


@pytest.mark.anyio
async def test_a_final_says_how_sure_it_is_and_for_how_long_the_caller_is_silent() -> None:
    transcript, line = Transcript(), Line(spelled("Hello", 0.5))
    async with (
        deepgram_double() as (_, url),
        opened(url) as backend,
        anyio.create_task_group() as group,
    ):
        group.start_soon(backend.transcribe, line, transcript)
        with anyio.fail_after(10):
            await transcript.final.wait()
        line.hang_up()
    final = transcript.events[-1]
    assert isinstance(final, SpeechFinal)
    assert final.confidence == pytest.approx(0.9)
    assert final.speech_ended_ago == pytest.approx(0.5)


@pytest.mark.anyio
async def test_what_is_configured_is_asked_for() -> None:
    section = {
        "model": "nova-2",
        "language": "de",
        "endpointingMs": 300,
        "utteranceEndMs": 1500,
        "smartFormat": False,
        "keyterms": ["voicecall", "Köln & Bonn"],
    }
    async with deepgram_double() as (double, url), opened(url + "/v1", **section) as backend:
        await backend.transcribe(whole(SILENCE), Transcript())
    assert sorted(double.queries[0]) == [
        ("channels", "1"),
        ("encoding", "mulaw"),
        ("endpointing", "300"),
        ("interim_results", "true"),
        ("keyterm", "Köln & Bonn"),
        ("keyterm", "voicecall"),
        ("language", "de"),
        ("model", "nova-2"),
        ("sample_rate", "8000"),
        ("smart_format", "false"),
        ("utterance_end_ms", "1500"),
        ("vad_events", "true"),
    ]


@pytest.mark.anyio
async def test_the_gateways_silence_ends_turns_where_the_section_says_nothing() -> None:
    async with deepgram_double() as (double, url), opened(url, interimResults=False) as backend:
        transcript = Transcript()
        await backend.transcribe(whole(*spelled("Hello")), transcript)
    query = dict(double.queries[0])
    assert query["endpointing"] == "500" and "utterance_end_ms" not in query
    assert transcript.finals == ["Hello"] and transcript.partials == []


@pytest.mark.anyio
async def test_on_a_noisy_line_the_gap_between_words_ends_the_turn() -> None:
    transcript = Transcript()
    async with deepgram_double(Behaviour(noisy=True)) as (_, url), opened(url) as backend:
        await backend.transcribe(whole(*spelled("Hello", 1.2), *spelled("again", 1.2)), transcript)
    assert transcript.finals == ["Hello", "again"]


@pytest.mark.anyio
async def test_what_was_begun_is_finished_when_the_call_ends() -> None:
    transcript = Transcript()
    async with deepgram_double() as (_, url), opened(url) as backend:
        await backend.transcribe(whole(*spelled("Good bye", 0)), transcript)
    assert transcript.finals == ["Good bye"]


@pytest.mark.anyio
async def test_a_vendor_that_does_not_finish_is_not_waited_for() -> None:
    transcript = Transcript()
    async with deepgram_double(Behaviour(mute_at_end=True)) as (_, url):
        with anyio.fail_after(10):
            await quick(url).transcribe(whole(*spelled(LONG, 0)), transcript)
    assert [without_spaces(text) for text in transcript.finals] == [without_spaces(LONG[:60])]


@pytest.mark.anyio
@pytest.mark.parametrize("settle_frames", [7, 40, 1000])
@pytest.mark.parametrize(
    "loss", [{"cut_after": 33}, {"close_after": 33}, {"close_after": 33, "close": (1000, "")}]
)
async def test_a_sentence_goes_on_over_a_lost_connection_and_nothing_is_said_twice(
    loss: dict[str, int], settle_frames: int
) -> None:
    transcript = Transcript()
    lossy = Behaviour(settle_frames=settle_frames, **loss)
    async with deepgram_double(lossy) as (double, url), opened(url) as backend:
        await backend.transcribe(whole(*spelled(LONG)), transcript)
    assert [without_spaces(text) for text in transcript.finals] == [without_spaces(LONG)]
    assert transcript.events.count(SpeechBegan()) == len(transcript.finals) == 1
    assert len(double.frames) == 2


@pytest.mark.anyio
async def test_a_connection_that_is_dead_without_a_word_is_noticed_and_replaced() -> None:
    transcript = Transcript()
    patience = Patience(ping_seconds=0.05, retry_seconds=(0.0,))
    async with deepgram_double(Behaviour(freeze_after=33)) as (double, url):
        with anyio.fail_after(10):
            await quick(url, patience).transcribe(whole(*spelled(LONG)), transcript)
    assert transcript.finals == [LONG] and len(double.frames) == 2


@pytest.mark.anyio
async def test_what_was_recognised_is_not_sent_again() -> None:
    transcript, line = Transcript(), Line(spelled("Hello"))
    lossy = Behaviour(cut_after=60)
    async with (
        deepgram_double(lossy) as (double, url),
        opened(url) as backend,
        anyio.create_task_group() as group,
    ):
        group.start_soon(backend.transcribe, line, transcript)
        with anyio.fail_after(10):
            await transcript.final.wait()
        line.say(spelled("again"))
        line.hang_up()
    assert transcript.finals == ["Hello", "again"]
    letters = b"".join(double.frames[1]).replace(b"\xff", b"")
    assert letters == b"".join(spelled("again", 0))


@pytest.mark.anyio
async def test_a_reconnect_that_fails_first_is_tried_again() -> None:
    transcript = Transcript()
    lossy = (Behaviour(cut_after=33), Behaviour(status=503), Behaviour())
    async with deepgram_double(*lossy) as (double, url):
        with anyio.fail_after(10):
            await quick(url).transcribe(whole(*spelled(LONG)), transcript)
    assert transcript.finals == [LONG] and len(double.frames) == 2


@pytest.mark.anyio
async def test_when_no_connection_holds_the_words_so_far_are_given_out() -> None:
    transcript = Transcript()
    lossy = (Behaviour(cut_after=45), Behaviour(status=503), Behaviour(status=503))
    async with deepgram_double(*lossy) as (_, url):
        line = Line(spelled(LONG))
        error = await failure(quick(url), line, transcript)
    assert error.retryable
    assert transcript.finals == [LONG[:40].strip()]


@pytest.mark.anyio
async def test_a_refusal_on_the_way_is_final() -> None:
    lossy = (Behaviour(cut_after=45), Behaviour(status=401, code="INVALID_AUTH"))
    async with deepgram_double(*lossy) as (_, url):
        error = await failure(quick(url), Line(spelled(LONG)), Transcript())
    assert not error.retryable and "DEEPGRAM_API_KEY" in str(error)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "code", "retryable", "names"),
    [
        (400, "INVALID_QUERY_PARAMETER", False, "deepgram.model"),
        (401, "INVALID_AUTH", False, "streaming.providers.deepgram.apiKey or DEEPGRAM_API_KEY"),
        (402, "ASR_PAYMENT_REQUIRED", False, "billing"),
        (403, "INSUFFICIENT_PERMISSIONS", False, "nova-3"),
        (404, "NOT_FOUND", False, "baseUrl"),
        (429, "TOO_MANY_REQUESTS", True, "plan"),
        (503, "a sentence", True, "503"),
    ],
)
async def test_a_refusal_says_what_to_do_and_whether_to_try_again(
    status: int, code: str, retryable: bool, names: str
) -> None:
    behaviour = Behaviour(status=status, code=code)
    async with deepgram_double(behaviour) as (_, url), opened(url) as backend:
        error = await failure(backend, Line(), Transcript())
    assert error.retryable is retryable
    assert names in str(error) and "sentence" not in str(error)


@pytest.mark.anyio
async def test_a_wrong_key_is_not_shown() -> None:
    async with deepgram_double() as (_, url), opened(url, apiKey="another-key") as backend:
        error = await failure(backend, Line(), Transcript())
    assert "another-key" not in str(error) + repr(error.__cause__)


@pytest.mark.anyio
async def test_nobody_at_the_address_may_be_tried_again() -> None:
    async with deepgram_double() as (_, url):
        pass
    async with opened(url) as backend:
        error = await failure(backend, Line(), Transcript())
    assert error.retryable and "cannot be reached" in str(error)


@pytest.mark.anyio
async def test_audio_that_is_not_taken_is_no_reason_to_try_again() -> None:
    behaviour = Behaviour(close_after=3, close=(1008, "DATA-0000"))
    async with deepgram_double(behaviour) as (_, url), opened(url) as backend:
        error = await failure(backend, Line(spelled("Hello")), Transcript())
    assert not error.retryable and "DATA-0000" in str(error)


@pytest.mark.anyio
async def test_new_kinds_of_messages_and_a_few_broken_ones_do_no_harm(
    caplog: pytest.LogCaptureFixture,
) -> None:
    transcript = Transcript()
    odd = Behaviour(
        first=('{"type": "Entities", "items": []}', '{"type": "Results"}', '{"type": "Results"}')
    )
    async with deepgram_double(odd) as (double, url):
        await quick(url).transcribe(whole(*spelled("Hello")), transcript)
    assert transcript.finals == ["Hello"] and len(double.queries) == 1
    assert "passed over" in caplog.text


@pytest.mark.anyio
async def test_where_nothing_can_be_read_the_connection_is_replaced() -> None:
    transcript = Transcript()
    async with deepgram_double(Behaviour(first=('{"type": "Results"}',) * 20)) as (double, url):
        await quick(url).transcribe(whole(*spelled("Hello")), transcript)
    assert transcript.finals == ["Hello"] and len(double.queries) == 2


async def _until(double: DeepgramDouble, control: str) -> None:
    with anyio.fail_after(10):
        while control not in double.controls:
            await anyio.lowlevel.checkpoint()


@pytest.mark.anyio
async def test_audio_that_stops_in_the_middle_of_a_turn_ends_it_once() -> None:
    transcript, line = Transcript(), Line(spelled("Hello", 0))
    async with deepgram_double() as (double, url):
        backend = DeepgramStt(
            config(baseUrl=url),
            silence_seconds=0.05,
            logger=logging.getLogger("test"),
            patience=QUICK,
        )
        async with anyio.create_task_group() as group:
            group.start_soon(backend.transcribe, line, transcript)
            await _until(double, "Finalize")
            with anyio.fail_after(10):
                await transcript.final.wait()
            line.hang_up()
    assert transcript.finals == ["Hello"] and double.controls.count("Finalize") == 1


@pytest.mark.anyio
async def test_a_connection_without_audio_is_kept_alive() -> None:
    transcript, line = Transcript(), Line()
    patience = Patience(keep_alive_seconds=0.02, look_seconds=0.01)
    async with deepgram_double() as (double, url), anyio.create_task_group() as group:
        group.start_soon(quick(url, patience).transcribe, line, transcript)
        with anyio.fail_after(10):
            await double.kept_alive.wait()
        line.say(spelled("Hello"))
        line.hang_up()
    assert transcript.finals == ["Hello"] and "Finalize" not in double.controls


@pytest.mark.parametrize(
    "section",
    [{"model": "flux-general-en"}, {"utteranceEndMs": 500}, {"baseUrl": "ftp://x"}, {"tier": 1}],
)
def test_what_cannot_be_is_refused(section: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        config(**section)


@pytest.mark.anyio
async def test_neither_key_nor_words_reach_any_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    transcript = Transcript()
    caplog.set_level(logging.INFO, "websockets.server")
    async with deepgram_double(Behaviour(cut_after=33)) as (_, url):
        await quick(url).transcribe(whole(*spelled(LONG)), transcript)
    assert transcript.finals and "connected anew" in caplog.text
    assert KEY not in caplog.text and LONG not in caplog.text
