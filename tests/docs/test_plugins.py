"""Do the plugins in the manual work, exactly as they are printed there?"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from voicecall.config.loader import load_config
from voicecall.model.call import CallMode, CallRecord, Speaker
from voicecall.model.call_events import CallFinished
from voicecall.plugins.loader import load_plugins
from voicecall.plugins.registry import Registry
from voicecall.runtime import running
from voicecall.sdk import (
    ExposureContext,
    ExposureSpec,
    HttpResponse,
    PluginContext,
    SpeechBegan,
    SpeechFinal,
    SttContext,
    SttSpec,
    SystemClock,
    TtsSpec,
    Utterance,
)
from voicecall.service import CallRequest

MODULE = re.compile(r"^```python\n# (\w+)\.py\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECOND = 50
"""Frames of 20 ms."""


@pytest.fixture
def installed(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """Every module of the manual, each installed as a distribution of its own."""
    modules = dict(MODULE.findall((repo / "docs" / "plugins.md").read_text(encoding="utf-8")))
    for name, source in modules.items():
        folder = tmp_path / "site" / name
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (folder / f"{name}.py").write_text(source)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[voicecall]\n{name} = {name}\n")
        monkeypatch.syspath_prepend(str(folder))
    yield load_plugins({})
    for name in modules:
        sys.modules.pop(name, None)


class Vendor:
    """An `HttpClient` that gives one answer and keeps what was asked."""

    def __init__(self, status: int = 200, body: bytes = b"{}") -> None:
        self.answer = HttpResponse(status=status, headers={}, body=body)
        self.asked: list[tuple[str, str, Any]] = []

    async def request(self, method: str, url: str, **values: Any) -> HttpResponse:
        self.asked.append((method, url, values.get("json")))
        return self.answer


def lent(vendor: Vendor, state_dir: Path) -> dict[str, Any]:
    clock, logger = SystemClock(), logging.getLogger("voicecall.plugin.manual")
    return {"http": vendor, "clock": clock, "logger": logger, "state_dir": state_dir}


class Kept:
    """A sink of anything."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    async def write(self, item: Any) -> None:
        self.items.append(item)


def test_every_plugin_of_the_manual_can_be_loaded(installed: Registry) -> None:
    reports = {report.name: report for report in installed.reports}
    wanted = ("parrot", "acme_tts", "gong_stt", "acme_tunnel", "tally")
    assert {name: reports[name].broken for name in wanted} == dict.fromkeys(wanted)


async def _a_call(registry: Registry, folder: Path) -> CallRecord:
    tones = {"provider": "tones"}
    section = {
        "serve": {"port": 0},
        "gateway": {"port": 0},
        "streaming": {"enabled": True, "provider": "tones"},
        "tts": tones,
        "responder": "parrot",
        "sinks": [{"use": "tally"}],
        "mock": {
            "timeScale": 4,
            "voice": tones,
            "ears": tones,
            "defaultPhone": {"steps": [{"listen": True}, {"say": "Bye now."}]},
        },
    }
    path = folder / "voicecall.json5"
    path.write_text(json.dumps(section))
    loaded = load_config(path, registry, environ={"HOME": str(folder)})
    wish = CallRequest(to_number="+15550002222", message="Hello", mode=CallMode.CONVERSATION)
    async with running(loaded, state_dir=folder / "state", drain_seconds=0) as gateway:
        with anyio.fail_after(60):
            call_id = await gateway.service.initiate(wish)
            async with gateway.service.watch(call_id) as events:
                async for event in events:
                    if isinstance(event, CallFinished):
                        break
        record = await gateway.service.find(call_id)
    assert record is not None
    return record


def test_the_responder_of_the_manual_answers_a_call_and_its_sink_counts_it(
    installed: Registry, tmp_path: Path
) -> None:
    record = anyio.run(_a_call, installed, tmp_path)
    said = [line.text for line in record.transcript if line.speaker is Speaker.BOT]
    assert said == ["Hello", "You said: Bye now."]
    assert record.state == "hangup-bot"
    tally = (tmp_path / "state" / "tally.txt").read_text()
    assert tally == f"{record.call_id} hangup-bot\n"


async def _spoken(registry: Registry, vendor: Vendor, folder: Path) -> list[Any]:
    spec = registry.get(TtsSpec, "acme")
    config = spec.config.model_validate({"apiKey": "key"})
    out = Kept()
    async with spec.open(config, PluginContext(**lent(vendor, folder))) as backend:
        await backend.synthesize(Utterance(text="Hello"), out)
    return out.items


def test_the_tts_backend_of_the_manual_speaks(installed: Registry, tmp_path: Path) -> None:
    vendor = Vendor(body=b"\1\0" * 160)
    (audio,) = anyio.run(_spoken, installed, vendor, tmp_path)
    assert audio.seconds == 0.01
    url = "https://speech.acme.example/speak"
    assert vendor.asked == [("POST", url, {"text": "Hello", "voice": "anna"})]


async def _frames(*frames: bytes) -> AsyncIterator[bytes]:
    for frame in frames:
        yield frame


async def _heard(registry: Registry, folder: Path) -> list[Any]:
    spec = registry.get(SttSpec, "gong")
    loud, still = b"\0\x20" * 160, bytes(320)
    audio = _frames(*[still] * 5, *[loud] * SECOND, *[still] * SECOND)
    out = Kept()
    async with spec.open(spec.config(), SttContext(**lent(Vendor(), folder))) as backend:
        await backend.transcribe(audio, out)
    return out.items


def test_the_stt_backend_of_the_manual_hears(installed: Registry, tmp_path: Path) -> None:
    began, final = anyio.run(_heard, installed, tmp_path)
    assert began == SpeechBegan()
    assert final == SpeechFinal(text="1.0 seconds of sound", speech_ended_ago=0.8)


async def _endpoint(registry: Registry, folder: Path) -> tuple[str, str]:
    spec = registry.get(ExposureSpec, "acme")
    path = folder / "voicecall.json5"
    path.write_text('{ tunnel: { acmeHost: "us.acme.example" } }')
    loaded = load_config(path, registry, environ={"HOME": str(folder)})
    assert loaded.exposure is not None and loaded.exposure.spec is spec
    context = ExposureContext(
        **lent(Vendor(), folder),
        host="127.0.0.1",
        port=3334,
        webhook_path="/voice/webhook",
        stream_path="/voice/stream",
    )
    async with spec.open(loaded.exposure.config, context) as endpoint:
        return endpoint.webhook_url, endpoint.stream_url


def test_the_exposure_of_the_manual_is_selected_by_its_key(
    installed: Registry, tmp_path: Path
) -> None:
    webhook, stream = anyio.run(_endpoint, installed, tmp_path)
    assert webhook == "https://us.acme.example/voice/webhook"
    assert stream == "wss://us.acme.example/voice/stream"
