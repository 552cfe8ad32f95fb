"""Does a call go on in another voice when OpenAI fails before any sound, and what does it tell?"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio
import pytest

from voicecall.config.loader import load_config
from voicecall.model.call import CallMode, CallRecord, Speaker
from voicecall.model.call_events import CallFinished
from voicecall.plugins.loader import load_plugins
from voicecall.runtime import running
from voicecall.service import CallRequest
from voicecall_tts_openai.testing import (
    KEY,
    Answer,
    OpenAiDouble,
    realtime_double,
    speech_double,
)

NUMBER = "+15550002222"


def written(folder: Path, url: str, model: str, fallback: list[str]) -> Path:
    tones = {"provider": "tones"}
    openai = {"apiKey": KEY, "baseUrl": url, "model": model}
    section = {
        "serve": {"port": 0},
        "gateway": {"port": 0},
        "streaming": {"enabled": True, "provider": "tones"},
        "tts": {"provider": "openai", "fallback": fallback, "providers": {"openai": openai}},
        "mock": {"timeScale": 4, "ears": tones, "defaultPhone": {"steps": [{"listen": True}]}},
    }
    path = folder / "voicecall.json5"
    path.write_text(json.dumps(section))
    return path


async def call(path: Path) -> CallRecord:
    environ = {"HOME": str(path.parent)}
    loaded = load_config(path, load_plugins(os.environ), environ=environ)
    wish = CallRequest(to_number=NUMBER, message="Hello there.", mode=CallMode.NOTIFY)
    async with running(loaded, state_dir=path.parent / "state", drain_seconds=0) as gateway:
        with anyio.fail_after(60):
            call_id = await gateway.service.initiate(wish)
            async with gateway.service.watch(call_id) as events:
                async for event in events:
                    if isinstance(event, CallFinished):
                        break
        record = await gateway.service.find(call_id)
    assert record is not None
    return record


def said(record: CallRecord) -> list[str]:
    return [line.text for line in record.transcript if line.speaker is Speaker.BOT]


Opening = Callable[[], AbstractAsyncContextManager[tuple[OpenAiDouble, str]]]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("opening", "model", "attempts"),
    [
        (lambda: speech_double(Answer(status=401)), "gpt-4o-mini-tts", 1),
        (lambda: speech_double(*[Answer(status=503)] * 2), "gpt-4o-mini-tts", 2),
        (lambda: realtime_double(*[Answer(status=503)] * 2), "gpt-realtime-2.1-mini", 2),
        (lambda: realtime_double(*[Answer(cut_after=0)] * 2), "gpt-realtime-2.1-mini", 2),
    ],
)
async def test_a_failure_before_any_sound_is_spoken_by_the_next_backend(
    opening: Opening,
    model: str,
    attempts: int,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with opening() as (_, url):
        record = await call(written(tmp_path, url, model, ["tones"]))
    assert said(record) == ["Hello there."] and record.state == "completed"
    (line,) = [one for one in caplog.records if "falls back" in one.message]
    facts = vars(line)
    assert (facts["tts_from"], facts["tts_to"], facts["attempts"]) == ("openai", "tones", attempts)
    assert KEY not in caplog.text and KEY not in str(facts)


@pytest.mark.anyio
async def test_a_failure_after_sound_began_does_not_say_the_sentence_twice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Once while the phone rings, in vain, and once to be heard.
    async with speech_double(*[Answer(cut_after=4800)] * 2) as (double, url):
        record = await call(written(tmp_path, url, "gpt-4o-mini-tts", ["tones"]))
    assert double.asked == ["Hello there."] * 2
    assert "falls back" not in caplog.text
    assert record.state == "error"
    assert record.end_detail is not None and "cannot be reached" in record.end_detail


@pytest.mark.anyio
async def test_without_another_backend_the_call_ends_and_says_why(tmp_path: Path) -> None:
    async with speech_double(*[Answer(status=401)] * 2) as (_, url):
        record = await call(written(tmp_path, url, "gpt-4o-mini-tts", []))
    assert said(record) == [] and record.state == "error"
    assert record.end_detail is not None and "OPENAI_API_KEY" in record.end_detail
