"""Does a gateway run as it is told to beside its configuration?"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import anyio
import httpx

from voicecall.config.loaded import LoadedConfig
from voicecall.config.loader import load_config
from voicecall.config.state import read_address
from voicecall.model.call import CallState
from voicecall.plugins.loader import load_plugins
from voicecall.runtime import running
from voicecall.service import CallRequest

BOB = "+15550002222"


def test_time_may_run_faster_than_the_provider_says(tmp_path: Path) -> None:
    section = {
        "fromNumber": "+15550001111",
        "serve": {"port": 0},
        "gateway": {"port": 0},
        "staleCallReaperSeconds": 100,
        "ringTimeoutMs": 36_000_000,
        "mock": {"timeScale": 2000, "phones": {BOB: {"answerAfterMs": 72_000_000}}},
    }
    path = tmp_path / "voicecall.json5"
    path.write_text(json.dumps(section))

    async def main() -> None:
        loaded = load_config(path, load_plugins(os.environ), environ={})
        # As a real carrier's plugin: it says that its network is no faster than life.
        slow = replace(loaded.provider.spec, time_scale=lambda config: 1.0)
        selection = replace(loaded.selection, provider=replace(loaded.provider, spec=slow))
        loaded = replace(loaded, selection=selection)
        state = tmp_path / "state"
        async with running(loaded, state_dir=state, drain_seconds=0, time_scale=2000.0) as gateway:
            call_id = await gateway.service.initiate(CallRequest(to_number=BOB, message="Hello"))
            with anyio.fail_after(30):
                async with gateway.service.watch(call_id) as events:
                    async for _ in events:
                        """Until its end."""
            record = await gateway.service.find(call_id)
            assert record is not None and record.state is CallState.TIMEOUT

    anyio.run(main)


def test_sinks_are_given_everything_that_happened_before_the_gateway_closed(
    tmp_path: Path,
) -> None:
    section = {
        "fromNumber": "+15550001111",
        "serve": {"port": 0},
        "gateway": {"port": 0},
        "mock": {"timeScale": 100, "phones": {BOB: {"answerAfterMs": 72_000_000}}},
        "sinks": [{"use": "jsonl", "path": str(tmp_path / "events.jsonl")}],
    }
    path = tmp_path / "voicecall.json5"
    path.write_text(json.dumps(section))

    async def main() -> str:
        loaded = load_config(path, load_plugins(os.environ), environ={})
        async with running(loaded, state_dir=tmp_path / "state", drain_seconds=0) as gateway:
            return await gateway.service.initiate(CallRequest(to_number=BOB, message="Hello"))

    call_id = anyio.run(main)
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert {line["callId"] for line in lines} == {call_id}
    assert [line["number"] for line in lines] == list(range(1, len(lines) + 1))
    assert lines[0]["type"] == "created"
    assert lines[-1]["type"] == "finished"


def test_a_reload_renews_the_gateways_token_and_the_old_one_is_good_until_the_next(
    tmp_path: Path,
) -> None:
    path = tmp_path / "voicecall.json5"

    def load(token: str) -> LoadedConfig:
        gateway = {"port": 0, "token": token}
        path.write_text(json.dumps({"serve": {"port": 0}, "gateway": gateway}))
        return load_config(path, load_plugins(os.environ), environ={})

    one, two = "one-" * 10, "two-" * 10
    state = tmp_path / "state"

    async def main() -> list[list[int]]:
        first = load(one)
        async with (
            running(first, state_dir=state, drain_seconds=0, reread=lambda: load(two)) as gateway,
            httpx.AsyncClient(base_url=gateway.gateway.url) as client,
        ):

            async def knock() -> list[int]:
                heads = [{"Authorization": f"Bearer {token}"} for token in (one, two)]
                return [(await client.get("/metrics", headers=each)).status_code for each in heads]

            seen = [await knock()]
            for _ in range(2):
                await gateway.reload()
                seen.append(await knock())
            address = read_address(state)
            assert address is not None
            assert address.token == two
            return seen

    assert anyio.run(main) == [[200, 401], [200, 200], [401, 200]]
