"""`voicecall expose`: what is set up by hand, what is told about it, and how it goes away again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from voicecall.cli import loading
from voicecall.errors import ExposureError
from voicecall.plugins.loader import load_plugins
from voicecall.plugins.registry import Registry
from voicecall.sdk import ExposureContext, ExposureSpec, Field, Marker, PublicEndpoint, Section


class Hill(Section):
    mode: Literal["off", "serve", "funnel"] = "off"
    path: str = "/voice/webhook"
    port: int = Field(default=443, gt=0)


class Summit(PublicEndpoint):
    def __init__(self, config: Hill) -> None:
        self._config = config

    @property
    def webhook_url(self) -> str:
        return f"https://hill.example{self._config.path}"

    @property
    def stream_url(self) -> str:
        return "wss://hill.example/voice/stream"


@asynccontextmanager
async def climb(config: Hill, context: ExposureContext) -> AsyncIterator[PublicEndpoint]:
    if config.path == "/cliff":
        raise ExposureError("there is no way up", remedy="choose another path")
    assert context.by_hand
    made = {"mode": config.mode, "port": context.port, "path": context.webhook_path}
    Marker(context.state_dir, "hill").write(made)
    yield Summit(config)


async def descend(config: Hill, context: ExposureContext) -> bool:
    marker = Marker(context.state_dir, "hill")
    found = marker.read() is not None
    marker.clear()
    return found


@pytest.fixture
def hill(monkeypatch: pytest.MonkeyPatch) -> ExposureSpec:
    """The exposure `hill`, installed beside the others."""
    spec = ExposureSpec(
        name="hill",
        summary="a hill",
        config=Hill,
        open=climb,
        wanted=lambda config: config.mode != "off",
        object_paths=("hill",),
        remove=descend,
    )

    def load(environ: Any) -> Registry:
        others = load_plugins(environ).all_specs()
        modes = [each for each in others if "mode" in each.config.model_fields]
        return Registry.of(*(each for each in others if each not in modes), spec)

    monkeypatch.setattr(loading, "load_plugins", load)
    return spec


def test_what_was_exposed_by_hand_stays_and_goes_when_it_is_told_to(
    bare_terminal: Any, hill: ExposureSpec
) -> None:
    made = bare_terminal.inside("expose", "--json", "--port", "4000", "--path", "/line1")
    assert (made.code, made.document) == (
        0,
        {
            "ok": True,
            "exposure": "hill",
            "mode": "funnel",
            "path": "/line1",
            "localUrl": "http://127.0.0.1:4000/voice/webhook",
            "publicUrl": "https://hill.example/line1",
        },
    )
    marker = Marker(bare_terminal.state_dir, "hill")
    assert marker.read() == {"mode": "funnel", "port": 4000, "path": "/voice/webhook"}
    gone = bare_terminal.inside("expose", "--mode", "off", "--json")
    assert (gone.code, gone.document["ok"], gone.document["removed"]) == (0, True, True)
    assert marker.read() is None
    again = bare_terminal.inside("expose", "--mode", "off")
    assert (again.code, again.out) == (0, "nothing was exposed by hand\n")


def test_the_configured_exposure_is_the_one_and_keeps_its_mode(
    bare_terminal: Any, hill: ExposureSpec, tmp_path: Path
) -> None:
    path = tmp_path / "voicecall.json5"
    path.write_text('{ hill: { mode: "serve" }, serve: { port: 4001 } }')
    made = bare_terminal.inside("expose", "--config", str(path), "--serve-path", "/hook")
    assert (made.code, made.out) == (
        0,
        "https://hill.example/voice/webhook leads to http://127.0.0.1:4001/hook\n",
    )
    assert Marker(bare_terminal.state_dir, "hill").read() == {
        "mode": "serve",
        "port": 4001,
        "path": "/hook",
    }


def test_what_cannot_be_exposed_says_what_to_do(bare_terminal: Any, hill: ExposureSpec) -> None:
    ran = bare_terminal.inside("expose", "--json", "--path", "/cliff")
    assert (ran.code, ran.document["ok"], ran.document["publicUrl"]) == (7, False, None)
    assert ran.document["hint"] == {"note": "choose another path"}
    assert bare_terminal.inside("expose", "--mode", "sideways").code == 2
    wrong = bare_terminal.inside("expose", "--use", "public-url", "--mode", "serve")
    assert (wrong.code, "knows no --mode" in wrong.err) == (2, True)
    assert bare_terminal.inside("expose", "--use", "nobody").code == 3
