"""Does ElevenLabs speak over a real connection, and what when it does not play along?"""

from __future__ import annotations

import logging
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from subprocess import check_output

import anyio
import pytest
from pydantic import ValidationError

from voicecall.sdk import (
    MULAW_8K,
    Audio,
    HttpResponse,
    PluginContext,
    SpeechError,
    SystemClock,
    TtsBackend,
    Utterance,
)
from voicecall_tts_elevenlabs.backend import Patience, open_backend
from voicecall_tts_elevenlabs.config import DEFAULT_MODEL, SUPERSEDED, ElevenLabsConfig, findings
from voicecall_tts_elevenlabs.plugin import voicecall_tts_backends
from voicecall_tts_elevenlabs.testing import KEY, Answer, audio_of, elevenlabs_double

TEXT = "Hello, this is voicecall. How can I help you today?"
GEORGE = "JBFqnCBsd6RMkjVDRZzb"
RACHEL = "21m00Tcm4TlvDq8ikWAM"


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("the backend streams with a client of its own")


class Recording:
    """An `AudioSink`; `begun` is set with the first audio."""

    def __init__(self) -> None:
        self.pieces: list[Audio] = []
        self.begun = anyio.Event()

    async def write(self, audio: Audio) -> None:
        self.pieces.append(audio)
        self.begun.set()

    @property
    def data(self) -> bytes:
        return b"".join(piece.data for piece in self.pieces)


def config(**section: object) -> ElevenLabsConfig:
    return ElevenLabsConfig.model_validate({"apiKey": KEY} | section)


def opened(base_url: str, **section: object) -> AbstractAsyncContextManager[TtsBackend]:
    (spec,) = voicecall_tts_backends()
    context = PluginContext(
        http=NoHttp(),
        clock=SystemClock(),
        logger=logging.getLogger("voicecall.plugin.elevenlabs"),
        state_dir=Path("."),
    )
    return spec.open(config(baseUrl=base_url, **section), context)


async def failure(backend: TtsBackend, recording: Recording, **wishes: str) -> SpeechError:
    with pytest.raises(SpeechError) as caught, anyio.fail_after(10):
        await backend.synthesize(Utterance(text=TEXT, **wishes), recording)
    seen = str(caught.value) + repr(caught.value.__cause__)
    assert KEY not in seen and TEXT not in seen
    return caught.value


@pytest.mark.anyio
@pytest.mark.parametrize("sizes", [(1600,), (1, 3, 159, 4801)])
async def test_every_byte_arrives_as_telephone_audio(sizes: tuple[int, ...]) -> None:
    recording = Recording()
    async with elevenlabs_double(Answer(sizes=sizes)) as (double, url), opened(url) as backend:
        await backend.synthesize(Utterance(text=TEXT), recording)
    assert recording.data == audio_of(TEXT)
    assert {piece.format for piece in recording.pieces} == {MULAW_8K}
    assert double.bodies == [{"text": TEXT, "model_id": DEFAULT_MODEL}]
    assert double.voices == [GEORGE]


@pytest.mark.anyio
async def test_the_first_audio_leaves_before_the_sentence_is_complete() -> None:
    recording, answer = Recording(), Answer(sizes=(160,), stall_after=320)
    async with (
        elevenlabs_double(answer) as (double, url),
        opened(url) as backend,
        anyio.create_task_group() as group,
    ):
        group.start_soon(backend.synthesize, Utterance(text=TEXT), recording)
        with anyio.fail_after(10):
            await double.stalled.wait()
            await recording.begun.wait()
        assert len(recording.data) <= 320
        double.go_on.set()
    assert recording.data == audio_of(TEXT)


@pytest.mark.anyio
async def test_what_is_configured_is_asked_for() -> None:
    section = {
        "speakerVoiceId": RACHEL,
        "modelId": "eleven_flash_v2",
        "voiceSettings": {
            "stability": 0.4,
            "similarityBoost": 0.7,
            "style": 0.1,
            "useSpeakerBoost": False,
            "speed": 1.1,
        },
        "languageCode": "en",
        "seed": 7,
        "applyTextNormalization": "on",
    }
    async with elevenlabs_double() as (double, url), opened(url + "/v1/", **section) as backend:
        await backend.synthesize(Utterance(text="One."), Recording())
    assert double.voices == [RACHEL]
    assert double.bodies == [
        {
            "text": "One.",
            "model_id": "eleven_flash_v2",
            "voice_settings": {
                "stability": 0.4,
                "similarity_boost": 0.7,
                "style": 0.1,
                "use_speaker_boost": False,
                "speed": 1.1,
            },
            "language_code": "en",
            "seed": 7,
            "apply_text_normalization": "on",
        }
    ]


@pytest.mark.anyio
async def test_an_utterance_brings_its_own_voice_and_language() -> None:
    async with elevenlabs_double() as (double, url), opened(url, languageCode="en") as backend:
        await backend.synthesize(
            Utterance(text="Eins.", voice=RACHEL, language="de-DE"), Recording()
        )
    assert double.voices == [RACHEL] and double.bodies[0]["language_code"] == "de"


@pytest.mark.anyio
async def test_a_language_is_kept_from_the_model_that_takes_none() -> None:
    section = {"modelId": "eleven_multilingual_v2", "languageCode": "en"}
    async with elevenlabs_double() as (double, url), opened(url, **section) as backend:
        await backend.synthesize(Utterance(text="One."), Recording())
    assert "language_code" not in double.bodies[0]


@pytest.mark.anyio
async def test_nothing_to_pronounce_is_not_sent() -> None:
    recording = Recording()
    async with elevenlabs_double() as (double, url), opened(url) as backend:
        for text in ("", "  ", "…!?"):
            await backend.synthesize(Utterance(text=text), recording)
    assert double.bodies == [] and recording.pieces == []


@pytest.mark.anyio
async def test_several_utterances_are_spoken_at_once() -> None:
    recordings = [Recording() for _ in range(5)]
    async with (
        elevenlabs_double() as (_, url),
        opened(url) as backend,
        anyio.create_task_group() as group,
    ):
        for number, recording in enumerate(recordings):
            group.start_soon(backend.synthesize, Utterance(text=f"Number {number}."), recording)
    assert [one.data for one in recordings] == [audio_of(f"Number {n}.") for n in range(5)]


@pytest.mark.anyio
async def test_a_cancelled_utterance_drops_its_connection() -> None:
    recording, answer = Recording(), Answer(sizes=(160,), stall_after=320)
    async with elevenlabs_double(answer) as (double, url), opened(url) as backend:
        async with anyio.create_task_group() as group:
            group.start_soon(backend.synthesize, Utterance(text=TEXT), recording)
            with anyio.fail_after(10):
                await recording.begun.wait()
            group.cancel_scope.cancel()
        double.go_on.set()
        with anyio.fail_after(10):
            await double.lost.wait()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "retryable", "names"),
    [
        (Answer(status=401, code="invalid_api_key"), False, "ELEVENLABS_API_KEY"),
        (Answer(status=401, code="quota_exceeded"), False, "credit"),
        (Answer(status=401, code="missing_permissions"), False, "permission"),
        (Answer(status=400, code="voice_not_found"), False, "voiceId"),
        (Answer(status=400, code="model_not_found"), False, "modelId"),
        (Answer(status=429, code="too_many_concurrent_requests"), True, "at once"),
        (Answer(status=429, code="system_busy"), True, "system_busy"),
        (Answer(status=500, body=b"oops"), True, "500"),
        (
            Answer(status=422, body=b'{"detail": [{"loc": ["body", "seed"], "msg": "x"}]}'),
            False,
            "elevenlabs.seed",
        ),
        (Answer(status=400, body=b'{"detail": "a sentence"}'), False, "400"),
    ],
)
async def test_a_refusal_says_what_to_do_and_whether_to_try_again(
    answer: Answer, retryable: bool, names: str
) -> None:
    recording = Recording()
    async with elevenlabs_double(answer) as (double, url), opened(url) as backend:
        error = await failure(backend, recording)
    assert error.retryable is retryable
    assert names in str(error)
    assert recording.pieces == [] and len(double.bodies) == 1


@pytest.mark.anyio
async def test_a_wrong_key_names_the_key_and_its_variable_and_shows_neither() -> None:
    async with elevenlabs_double() as (_, url), opened(url, apiKey="sk_another") as backend:
        error = await failure(backend, Recording())
    assert "ELEVENLABS_API_KEY" in str(error) and "tts.providers.elevenlabs.apiKey" in str(error)
    assert "sk_another" not in str(error)


@pytest.mark.anyio
async def test_a_voice_cannot_leave_its_place_in_the_path() -> None:
    async with elevenlabs_double() as (double, url), opened(url) as backend:
        error = await failure(backend, Recording(), voice="../user?x=")
    assert double.paths == ["/v1/text-to-speech/..%2Fuser%3Fx%3D/stream"]
    assert "voice" in str(error) and double.bodies == []


@pytest.mark.anyio
async def test_a_connection_lost_in_the_middle_may_be_tried_again() -> None:
    recording, answer = Recording(), Answer(sizes=(160,), cut_after=480)
    async with elevenlabs_double(answer) as (_, url), opened(url) as backend:
        error = await failure(backend, recording)
        assert error.retryable and recording.data == audio_of(TEXT)[:480]
        await backend.synthesize(Utterance(text="Again."), recording)
    assert recording.data.endswith(audio_of("Again."))


@pytest.mark.anyio
async def test_nobody_at_the_address_may_be_tried_again() -> None:
    async with elevenlabs_double() as (_, url):
        pass
    async with opened(url) as backend:
        error = await failure(backend, Recording())
    assert error.retryable and "cannot be reached" in str(error)


@pytest.mark.anyio
async def test_a_page_instead_of_audio_is_never_played() -> None:
    recording = Recording()
    async with elevenlabs_double(Answer(kind="text/html")) as (_, url), opened(url) as backend:
        error = await failure(backend, recording)
    assert "baseUrl" in str(error) and recording.pieces == []


@pytest.mark.anyio
async def test_silence_in_the_middle_is_an_error_after_the_patience() -> None:
    recording, answer = Recording(), Answer(sizes=(160,), stall_after=320)
    async with elevenlabs_double(answer) as (double, url):
        patience = Patience(silence_seconds=0.05)
        async with open_backend(config(baseUrl=url), patience=patience) as backend:
            error = await failure(backend, recording)
        double.go_on.set()
    assert error.retryable and "0.05 s" in str(error)
    assert recording.data == audio_of(TEXT)[:320]


@pytest.mark.anyio
async def test_neither_key_nor_text_reach_any_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with elevenlabs_double() as (_, url), opened(url) as backend:
        await backend.synthesize(Utterance(text=TEXT), Recording())
    assert GEORGE in caplog.text
    assert KEY not in caplog.text and TEXT not in caplog.text


@pytest.mark.parametrize("model", sorted(SUPERSEDED))
def test_a_model_that_is_listed_no_more_is_told_with_its_successor(model: str) -> None:
    (finding,) = findings(config(modelId=model))
    assert SUPERSEDED[model] in (finding.remedy or "")


def test_the_default_model_lives_on() -> None:
    assert findings(config()) == [] and DEFAULT_MODEL not in SUPERSEDED


def test_a_speed_that_the_vendor_does_not_take_is_told() -> None:
    (finding,) = findings(config(voiceSettings={"speed": 1.5}))
    assert "1.2" in finding.message


@pytest.mark.parametrize(
    "section",
    [
        {"voiceId": "../x"},
        {"voiceSettings": {"stability": 2}},
        {"voiceSettings": {"pitch": 1}},
        {"languageCode": "german"},
        {"seed": -1},
        {"applyTextNormalization": "maybe"},
    ],
)
def test_what_cannot_be_is_refused(section: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        config(**section)


def test_naming_the_plugin_loads_nothing_that_takes_time() -> None:
    check = "import sys, voicecall_tts_elevenlabs.plugin as p; p.voicecall_tts_backends()"
    check += "; print([m for m in ('httpx', 'elevenlabs') if m in sys.modules])"
    assert check_output([sys.executable, "-c", check], text=True).strip() == "[]"
