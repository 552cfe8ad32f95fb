"""Does the client on the page about the gateway WebSocket work, exactly as it is printed there?"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import anyio

from voicecall.config.loader import load_config
from voicecall.plugins.registry import Registry
from voicecall.rpc.openclaw_connect import EVENTS
from voicecall.runtime import running

TOKEN = "a-token-of-the-gateway"


def block(text: str, language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_printed_client_asks_its_question(
    repo: Path, registry: Registry, tmp_path: Path
) -> None:
    text = (repo / "docs" / "gateway.md").read_text(encoding="utf-8")
    config, client = tmp_path / "openclaw.json5", tmp_path / "ask.py"
    any_port = 'provider: "mock", serve: { port: 0 }, gateway: { port: 0 },'
    config.write_text(block(text, "json5").replace('provider: "mock",', any_port))
    client.write_text(block(text, "python"))
    loaded = load_config(config, registry, environ={"OPENCLAW_GATEWAY_TOKEN": TOKEN})

    async def main() -> str:
        with anyio.fail_after(60):
            async with running(loaded, state_dir=tmp_path / "state", drain_seconds=0) as one:
                url = one.gateway.url.replace("http", "ws")
                environ = {**os.environ, "VOICECALL_URL": url, "VOICECALL_TOKEN": TOKEN}
                command = [sys.executable, str(client)]
                ran = await anyio.run_process(command, env=environ, stderr=None)
                return ran.stdout.decode()

    assert anyio.run(main) == block(text, "text")


def test_every_event_has_a_row(repo: Path) -> None:
    text = (repo / "docs" / "gateway.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z.]+)` \|", text, re.MULTILINE)) == set(EVENTS)
