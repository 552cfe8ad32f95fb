"""Does a gateway run as it is told to beside its configuration?"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import anyio

from voicecall.config.loader import load_config
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
