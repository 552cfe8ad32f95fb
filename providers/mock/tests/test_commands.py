"""Do `mock serve` and `mock dial` work? The network as a process, a caller on the terminal."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

from voicecall.sdk import Answer, CallAnswered, CallOffered, Say

pytestmark = pytest.mark.anyio

RUN = """
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from voicecall.sdk import PluginError
from voicecall_mock.commands import mock
from voicecall_mock.config import MockConfig

class Kit:
    state_dir = Path(sys.argv[1])
    def section(self, kind, name):
        return MockConfig()
    @asynccontextmanager
    async def speech(self):
        yield self
    def stt(self, name, options):
        raise PluginError("nothing is installed")

mock.main(args=sys.argv[2:], obj=Kit())
"""


@asynccontextmanager
async def network_process(state_dir: Path, *arguments: str) -> AsyncIterator[tuple[Process, str]]:
    """`mock serve` on a free port; the process and its URL."""
    command = [sys.executable, "-c", RUN, str(state_dir), "serve", "--port", "0", *arguments]
    async with await anyio.open_process(command, stderr=sys.stderr) as process:
        assert process.stdout is not None
        try:
            line = await TextReceiveStream(process.stdout).receive()
            yield process, line.split()[-1]
        finally:
            if process.returncode is None:
                os.kill(process.pid, signal.SIGTERM)
                with anyio.fail_after(10):
                    await process.wait()


async def test_the_network_runs_as_a_process_until_it_is_told_to_end(tmp_path: Path) -> None:
    with anyio.fail_after(30):
        async with network_process(tmp_path) as (process, url):
            assert url.startswith("http://127.0.0.1:")
        assert process.returncode == 0


async def test_a_gateway_uses_the_network_of_another_process(bench: Any, tmp_path: Path) -> None:
    with anyio.fail_after(30):
        apart = network_process(tmp_path, "--time-scale", "20", "--no-record")
        async with apart as (_, url), bench.doors() as gateway:
            section = bench.section(networkUrl=url, phones={"+15550001111": {"steps": []}})
            async with bench.provider(gateway, section, tmp_path) as provider:
                gateway.provider = provider
                call = await gateway.place("+15550001111")
                await gateway.until(CallAnswered)
                await provider.hang_up(call)


async def test_dialling_in_prints_what_the_caller_hears_and_how_it_ends(
    world: Any, tmp_path: Path
) -> None:
    caller = "+15550100007"
    steps = [{"listen": True}, {"say": "no, thank you"}, {"hangUp": True}]
    async with world(phones={caller: {"steps": steps}}) as gateway:
        answers = {CallOffered: [Answer()], CallAnswered: [Say(text="Hello caller")]}
        gateway.answer = lambda event: answers.get(type(event), ())
        command = [sys.executable, "-c", RUN, str(tmp_path), "dial", "--from", caller]
        with anyio.fail_after(30):
            text = (await anyio.run_process(command)).stdout.decode()
            whole = json.loads((await anyio.run_process([*command, "--json"])).stdout)
    assert "Hello caller" in text and "no, thank you" in text
    assert text.endswith("The call is over: completed.\n")
    assert [line["text"] for line in whole["lines"]] == ["Hello caller", "no, thank you"]


async def test_dialling_into_nothing_says_what_to_start(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN, str(tmp_path), "dial"]
    with anyio.fail_after(30):
        result = await anyio.run_process(command, check=False)
    assert result.returncode != 0
    assert b"voicecall serve" in result.stderr
