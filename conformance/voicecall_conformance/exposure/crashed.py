"""What runs in the process that is killed? One exposure, open. Started by its file name.

Imports as little as it can, because whoever waits for it waits for its imports.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio

from voicecall.sdk import ExposureContext, SystemClock
from voicecall.web.http_client import open_http_client


async def open_for_ever(said: Mapping[str, Any]) -> None:
    """Open what `said` names; tell it on stdout."""
    specs = getattr(import_module(said["module"]), said["hook"])()
    (spec,) = (each for each in specs if each.name == said["name"])
    async with open_http_client() as http:
        context = ExposureContext(
            http=http,
            clock=SystemClock(),
            logger=logging.getLogger(__name__),
            state_dir=Path(said["state_dir"]),
            **said["place"],
        )
        async with spec.open(spec.config.model_validate(said["section"]), context):
            sys.stdout.write("open\n")
            sys.stdout.flush()
            await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(open_for_ever, json.loads(sys.stdin.read()))
