"""Does `voicecall setup` ask the carrier, beside a running gateway, and say what is wrong?"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from voicecall_conformance import RestAnswer

pytestmark = pytest.mark.anyio

COMMAND = "import sys; from voicecall.cli.main import main; sys.exit(main(sys.argv[1:]))"


async def setup(directory: Path) -> tuple[int, dict[str, Any]]:
    config = str(directory / "voicecall.json5")
    words = ["setup", "--json", "--config", config, "--state-dir", str(directory / "other")]
    done = await anyio.run_process([sys.executable, "-c", COMMAND, *words], check=False)
    return done.returncode, json.loads(done.stdout)


async def test_an_account_in_order_is_told_so_and_nothing_is_changed(
    start: Any, tmp_path: Path
) -> None:
    async with start() as gateway:
        code, told = await setup(tmp_path)
        assert (code, told["ok"]) == (0, True), told
        asked = {request.method for request in gateway.network.requests}
        assert asked == {"GET"}
        (advice,) = (each for each in told["findings"] if each["subject"] == "policy")
        assert advice["remedy"] == "name those that you call in outbound.guard.countries"
        assert not gateway.network.legs


async def test_credentials_that_the_carrier_refuses_are_an_error_with_a_remedy(
    start: Any, tmp_path: Path
) -> None:
    async with start() as gateway:
        gateway.network.instead = lambda request: RestAnswer(status=401, body=b"{}")
        code, told = await setup(tmp_path)
        assert (code, told["ok"]) == (7, False)
        errors = [each for each in told["findings"] if each["severity"] == "error"]
        assert errors and all(each["remedy"] for each in errors)
