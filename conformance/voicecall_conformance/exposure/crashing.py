"""How does a plugin meet its crash? In a process of its own, which is killed while it is open."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import anyio

from voicecall.sdk import ExposureContext
from voicecall_conformance.exposure.harness import ExposureHarness
from voicecall_conformance.rules import RuleBroken

START_SECONDS = 25.0
PROGRAM = Path(__file__).with_name("crashed.py")


async def crash(
    harness: ExposureHarness, section: Mapping[str, object], context: ExposureContext
) -> None:
    """Open the plugin of `harness` in a process, and kill that process without a warning.

    Raises:
        RuleBroken: it did not open.
    """
    said = {
        "module": harness.module,
        "hook": harness.hook_name,
        "name": harness.name,
        "section": dict(section),
        "state_dir": str(context.state_dir),
        "place": {
            name: getattr(context, name) for name in ("host", "port", "webhook_path", "stream_path")
        },
    }
    call = [sys.executable, "-P", str(PROGRAM)]
    async with await anyio.open_process(call, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdin is not None and process.stdout is not None
            await process.stdin.send(json.dumps(said).encode())
            await process.stdin.aclose()
            with anyio.fail_after(START_SECONDS):
                await process.stdout.receive()
        except (TimeoutError, anyio.EndOfStream) as error:
            raise RuleBroken("in a process of its own it does not open") from error
        finally:
            process.kill()
