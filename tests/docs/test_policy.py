"""Do the commands of the page about policy print what is printed there?"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import pytest
from anyio.from_thread import start_blocking_portal

from voicecall.cli.main import main
from voicecall.config.loader import load_config
from voicecall.config.policy_settings import GuardSettings
from voicecall.plugins.registry import Registry
from voicecall.runtime import running

CODE = re.compile(r"\b\d{6}\b")
FAST = """
  provider: "mock", serve: { port: 0 }, gateway: { port: 0 }, streaming: { enabled: false },
  mock: { timeScale: 20, voice: { provider: "tones" }, ears: { provider: "tones" } },
"""
DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")


@pytest.fixture(scope="module")
def page(repo: Path) -> str:
    return (repo / "docs" / "policy.md").read_text(encoding="utf-8")


def typed(page: str) -> Iterator[tuple[str, str]]:
    """Every command of the page's console blocks, and what is printed below it."""
    for block in re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        for command in re.split(r"^\$ voicecall ", block, flags=re.MULTILINE)[1:]:
            line, _, printed = command.partition("\n")
            yield line, printed


def ran(line: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(shlex.split(line))
    assert code == 0, (line, err.getvalue())
    return out.getvalue()


def timeless(text: str) -> str:
    return re.sub(r" +", " ", CODE.sub("CODE", DATE.sub("DATE", text)))


def test_the_commands_print_what_is_printed(page: str, registry: Registry, tmp_path: Path) -> None:
    snippets = re.findall(r"^```json5\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (pairing,) = (text for text in snippets if "inboundPolicy" in text)
    path, state = tmp_path / "voicecall.json5", tmp_path / "state"
    path.write_text(pairing.replace('provider: "mock",', FAST))
    loaded = load_config(path, registry, environ={})
    environ = {"VOICECALL_STATE_DIR": str(state), "VOICECALL_CONFIG": str(path)}
    code = ""
    with start_blocking_portal() as portal, mock.patch.dict(os.environ, environ):
        gateway = running(loaded, state_dir=state, drain_seconds=0)
        with portal.wrap_async_context_manager(gateway):
            for line, printed in typed(page):
                shown = ran(CODE.sub(code, line) if line.startswith("pairing") else line)
                code = "".join(CODE.findall(shown)) or code
                if printed:
                    assert timeless(shown) == timeless(printed), line
        explained = json.loads(ran("policy explain +19005551234 --json"))
        assert explained["outbound"]["reason"] == "policy.destination"


def test_every_key_of_the_guard_is_on_the_page(page: str) -> None:
    table = page.partition("### What would happen")[0]
    for name, field in GuardSettings.model_fields.items():
        assert f"`{field.alias}`" in table, name
