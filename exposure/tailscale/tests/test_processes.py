"""Is the program called as it should be, as a process that never outlives its time?"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from voicecall.sdk import ExposureContext, ExposureError
from voicecall_expose_tailscale import cli, endpoint
from voicecall_expose_tailscale.endpoint import opened
from voicecall_expose_tailscale.plugin import TailscaleConfig
from voicecall_expose_tailscale.serving import Mount
from voicecall_expose_tailscale.testing import FakeTailscale

Config = Callable[..., TailscaleConfig]
HOST = "box.tail1234.ts.net"
WEBHOOK = "http://127.0.0.1:3334/voice/webhook"
STREAM = "http://127.0.0.1:3334/voice/stream"

pytestmark = pytest.mark.anyio


def ours(port: int = 443, host: str = HOST) -> set[Mount]:
    return {
        Mount(host=host, port=port, path="/voice/webhook", target=WEBHOOK),
        Mount(host=host, port=port, path="/voice/stream", target=STREAM),
    }


def changes(fake: FakeTailscale) -> list[str]:
    return [" ".join(call) for call in fake.calls if "status" not in call]


def markers(context: ExposureContext) -> list[str]:
    return sorted(path.name for path in (context.state_dir / "exposures").glob("*"))


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_webhook_and_stream_each_get_a_mount_and_lose_it(
    fake: FakeTailscale, context: ExposureContext, config: Config
) -> None:
    async with opened(config(port=8443), context) as live:
        assert live.webhook_url == f"https://{HOST}:8443/voice/webhook"
        assert live.stream_url == f"wss://{HOST}:8443/voice/stream"
        assert fake.serving.mounts == ours(8443)
        assert fake.serving.is_funnel(HOST, 8443)
    assert fake.config == {}
    assert markers(context) == []
    assert changes(fake) == [
        f"funnel --bg --yes --https=8443 --set-path=/voice/webhook {WEBHOOK}",
        f"funnel --bg --yes --https=8443 --set-path=/voice/stream {STREAM}",
        "funnel --yes --https=8443 --set-path=/voice/webhook off",
        "funnel --yes --https=8443 --set-path=/voice/stream off",
    ]


async def test_waiting_for_somebody_to_enable_funnel_ends_and_tells_where_to(
    fake: FakeTailscale,
    context: ExposureContext,
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cli, "CALL_SECONDS", 1.0)
    fake.set(mode="funnel_off_block")
    with pytest.raises(ExposureError, match="f/funnel.node=nodeid"):
        async with opened(config(), context):
            pass
    assert fake.blocked() == []
    assert markers(context) == []


async def test_a_call_whose_time_is_up_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho before\nmkfifo {pipe}\ncat {pipe}\necho after\n")
    program.chmod(0o700)
    with anyio.fail_after(20):
        with anyio.fail_after(1.0):
            result = await cli.run(str(program))
        assert (result.code, result.out) == (None, "before\n")
        # Nobody reads any more: opening it for writing is refused.
        await _until_nobody_reads(pipe)


async def _until_nobody_reads(pipe: Path) -> None:
    while True:
        try:
            os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return
        await anyio.sleep(0.01)


async def test_the_marker_is_written_before_the_first_mount(
    fake: FakeTailscale, context: ExposureContext, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    started = cli._started

    async def started_and_seen(*given: object) -> object:
        seen.append(markers(context))
        return await started(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(cli, "_started", started_and_seen)
    async with opened(config(), context):
        first = next(i for i, call in enumerate(fake.calls) if "status" not in call)
        assert seen[first] == ["tailscale.json"]
        noted = json.loads((context.state_dir / "exposures" / "tailscale.json").read_text())
        assert {each["target"] for each in noted["made"]} == {WEBHOOK, STREAM}


async def test_what_takes_too_long_altogether_is_given_up(
    fake: FakeTailscale, context: ExposureContext, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "OPEN_SECONDS", 0.8)
    fake.set(mode="hangs")
    with pytest.raises(ExposureError, match="did not end in time|took longer than"):
        async with opened(config(), context):
            pass
    assert fake.blocked() == []
