"""Does a gateway take away what a killed one left of an exposure that is not in force any more?"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from voicecall.config.loader import load_config
from voicecall.errors import ExposureError
from voicecall.plugins.registry import Registry
from voicecall.runtime import running
from voicecall.sdk import ExposureContext, ExposureSpec, Marker, PublicEndpoint, Section

pytestmark = pytest.mark.anyio


class Hidden(PublicEndpoint):
    """Nobody gets in."""

    @property
    def webhook_url(self) -> str:
        return "http://127.0.0.1:9/voice/webhook"

    @property
    def stream_url(self) -> str:
        return "ws://127.0.0.1:9/voice/stream"


class Acme:
    """An exposure plugin, and how often it was asked to clear up."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.spec = ExposureSpec(
            name="acme",
            summary="a tunnel",
            config=Section,
            open=self._open,
            wanted=lambda config: False,
            clear=self._clear,
        )

    @asynccontextmanager
    async def _open(self, config: Section, context: ExposureContext) -> AsyncIterator[Hidden]:
        yield Hidden()

    async def _clear(self, config: Section, context: ExposureContext) -> bool:
        self.asked += 1
        if self.error is not None:
            raise self.error
        Marker(context.state_dir, self.spec.name).clear()
        return True


class Scene:
    """A state directory in which a gateway was killed, and the next gateway in it."""

    def __init__(self, registry: Registry, config_of: Any, directory: Path) -> None:
        self.acme = Acme()
        self._registry = Registry.of(*registry.all_specs(), self.acme.spec)
        self._config_of = config_of
        self._directory = directory
        self._state = directory / "state"
        self._state.mkdir(mode=0o700)
        self.marker = Marker(self._state, "acme")
        self.marker.write({"open": True})

    async def gateway(self, **changes: object) -> None:
        path = self._directory / "voicecall.json5"
        path.write_text(json.dumps(self._config_of(changes)))
        loaded = load_config(path, self._registry, environ={})
        async with running(loaded, state_dir=self._state, drain_seconds=0):
            pass


@pytest.fixture
def scene(registry: Registry, config_of: Any, tmp_path: Path) -> Scene:
    return Scene(registry, config_of, tmp_path)


async def test_what_another_exposure_left_is_taken_away_once(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    await scene.gateway()
    await scene.gateway()
    assert (scene.acme.asked, scene.marker.read()) == (1, None)
    assert "exposure 'acme' was taken away" in caplog.text


@pytest.mark.parametrize(
    "error", [ExposureError("it is refused", remedy="ask again"), KeyError("junk")]
)
async def test_what_cannot_be_taken_away_is_told_and_stops_nobody(
    scene: Scene, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    scene.acme.error = error
    with caplog.at_level(logging.WARNING):
        await scene.gateway()
    assert "exposure 'acme' may still be public" in caplog.text
    assert scene.marker.read() is not None


async def test_the_exposure_in_force_clears_up_by_itself(scene: Scene) -> None:
    await scene.gateway(tunnel={"provider": "acme"}, reachability={"check": "off"})
    assert scene.acme.asked == 0
