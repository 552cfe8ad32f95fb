"""What do the tests of this exposure share? A Tailscale of their own, and what the kernel lends."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from voicecall.sdk import ExposureContext, HttpResponse, SystemClock
from voicecall_expose_tailscale import daemon
from voicecall_expose_tailscale.plugin import TailscaleConfig
from voicecall_expose_tailscale.testing import FakeTailscale


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("Tailscale is asked through its command line")


@pytest.fixture
def fake(tmp_path: Path) -> FakeTailscale:
    return FakeTailscale(tmp_path)


@pytest.fixture
def context(tmp_path: Path) -> ExposureContext:
    return ExposureContext(
        http=NoHttp(),
        clock=SystemClock(),
        logger=logging.getLogger("test"),
        state_dir=tmp_path / "state",
        host="127.0.0.1",
        port=3334,
        webhook_path="/voice/webhook",
        stream_path="/voice/stream",
    )


@pytest.fixture
def by_hand(context: ExposureContext) -> ExposureContext:
    return replace(context, by_hand=True)


@pytest.fixture
def config(fake: FakeTailscale) -> Callable[..., TailscaleConfig]:
    def make(**given: object) -> TailscaleConfig:
        wanted = {"mode": "funnel", "binary": str(fake.program), **given}
        return TailscaleConfig.model_validate(wanted)

    return make


@pytest.fixture
def in_process(fake: FakeTailscale, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tailscale's command line is not started as a process, but answers the same."""
    monkeypatch.setattr(daemon, "run", fake.run)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
