"""Do the plugins in the manual work, exactly as they are printed there?"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
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
    SpeechBegan,
    SpeechFinal,
    SttContext,
    SttSpec,
    SystemClock,
)
from voicecall.service import CallRequest
from voicecall_conformance.runner import prove

MODULE = re.compile(r"^```python\n# (\w+)\.py\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HARNESS = "_harness"
"""How the names of modules end that prove another one."""
SECOND = 50
"""Frames of 20 ms."""


@pytest.fixture
def installed(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """Every module of the manual, each installed as a distribution of its own."""
    modules = dict(MODULE.findall((repo / "docs" / "plugins.md").read_text(encoding="utf-8")))
    for name, source in modules.items():
        if name.endswith(HARNESS):
            (tmp_path / f"{name}.py").write_text(source)
            continue
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


class NoVendor:
    """An `HttpClient` that nobody asks."""

    async def request(self, method: str, url: str, **values: Any) -> HttpResponse:
        raise AssertionError(url)


def lent(state_dir: Path) -> dict[str, Any]:
    clock, logger = SystemClock(), logging.getLogger("voicecall.plugin.manual")
    return {"http": NoVendor(), "clock": clock, "logger": logger, "state_dir": state_dir}


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


@pytest.mark.parametrize(
    ("proof", "title"), [("parrot", "ParrotHarness"), ("acme_tts", "AcmeHarness")]
)
def test_a_plugin_of_the_manual_keeps_every_rule_of_its_kind(
    proof: str,
    title: str,
    installed: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setattr("voicecall_conformance.speech.harness._installed", lambda: installed)
    harness = getattr(import_module(f"{proof}{HARNESS}"), title)
    results = list(prove(harness))
    assert [(each.requirement.id, each.detail) for each in results if not each.is_good] == []
    assert len(results) > 20


async def _frames(*frames: bytes) -> AsyncIterator[bytes]:
    for frame in frames:
        yield frame


async def _heard(registry: Registry, folder: Path) -> list[Any]:
    spec = registry.get(SttSpec, "gong")
    loud, still = b"\0\x20" * 160, bytes(320)
    audio = _frames(*[still] * 5, *[loud] * SECOND, *[still] * SECOND)
    out = Kept()
    async with spec.open(spec.config(), SttContext(**lent(folder))) as backend:
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
        **lent(folder),
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
