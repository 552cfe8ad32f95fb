"""Does the carrier's account get other secrets without a restart, and without a lost call?"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from voicecall.config.loader import load_config
from voicecall.errors import CarrierAuthFailed, ConfigError
from voicecall.plugins.loader import load_plugins
from voicecall.runtime import running
from voicecall_conformance.phones import CarrierNetwork
from voicecall_conformance.phones.gateway import (
    BOB,
    TIME_SCALE,
    Gateway,
    Scene,
    configuration,
    network_on,
)

pytestmark = pytest.mark.anyio

LISTEN, HANG_UP = {"listen": True, "timeoutMs": 20_000}, {"hangUp": True}
TALK = [LISTEN, {"say": "I am Bob"}, LISTEN, HANG_UP]
ENDED = {"hangup-user", "completed"}
"""Not every carrier tells who hung up."""


@asynccontextmanager
async def line(
    network_type: type[CarrierNetwork], directory: Path
) -> AsyncIterator[tuple[Gateway, Scene, Path]]:
    """A gateway that reads its file anew when it is asked to reload."""
    lines = {"scripted": {"lines": ["Nice to meet you."], "afterwards": "repeat"}}
    changes = {"responder": "scripted", "responders": lines}
    scene = Scene(phones={BOB: {"steps": TALK}}, changes=changes)
    path, plugins = directory / "voicecall.json5", load_plugins(os.environ)
    async with network_on(network_type, scene, directory) as network:
        path.write_text(json.dumps(configuration(network, scene)))
        async with running(
            load_config(path, plugins, environ={}),
            state_dir=directory / "state",
            drain_seconds=0,
            time_scale=TIME_SCALE,
            reread=lambda: load_config(path, plugins, environ={}),
        ) as started:
            network.connect(started.public.host, started.public.port)
            with anyio.fail_after(60):
                yield Gateway(started, network), scene, path
        assert not network.faults, network.faults


async def test_a_live_call_goes_on_with_the_former_secrets_and_the_next_has_the_new_ones(
    network_type: type[CarrierNetwork], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with line(network_type, tmp_path) as (gateway, scene, path):
        live = await gateway.call()
        await gateway.until_state(live, "speaking")
        gateway.network.renew_secrets()
        path.write_text(json.dumps(configuration(gateway.network, scene)))
        assert await gateway.running.reload() == (gateway.network.name,)
        for call in (live, await gateway.call()):
            record = await gateway.until_over(call)
            assert record.state in ENDED, record
            assert [line.text for line in record.transcript][1:] == [
                "I am Bob",
                "Nice to meet you.",
            ]
    assert "webhook refused" not in caplog.text


async def test_what_is_no_secret_still_needs_a_restart_and_then_no_secret_is_renewed(
    network_type: type[CarrierNetwork], tmp_path: Path
) -> None:
    async with line(network_type, tmp_path) as (gateway, scene, path):
        gateway.network.renew_secrets()
        changed = configuration(gateway.network, scene)
        changed[gateway.network.name]["apiBaseUrl"] = "https://elsewhere.example"
        path.write_text(json.dumps(changed))
        with pytest.raises(ConfigError, match=f"a restart brings .*: {gateway.network.name};"):
            await gateway.running.reload()
        with pytest.raises(CarrierAuthFailed):
            await gateway.call()
