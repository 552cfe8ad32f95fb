"""Does the page about HTTP say what the gateway does, and do its examples run as printed there?"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from voicecall.config.loader import load_config
from voicecall.config.state import read_address
from voicecall.plugins.registry import Registry
from voicecall.rpc.faults import _KINDS, Fault
from voicecall.rpc.jsonrpc import CODE_OF_KIND
from voicecall.rpc.methods import METHODS
from voicecall.rpc.openapi import status_of
from voicecall.runtime import running

ERROR = re.compile(r"^\| `([\w-]+)` \| `(\w+)` \| (\d+) \| (-\d+) \|", re.MULTILINE)
METHOD = re.compile(r"^\| `(voicecall\.[\w.]+|health)` \|(.*?)\| (.*?) \|$", re.MULTILINE)
METRIC = re.compile(r"`(voicecall_\w+?)(?:_total)?`")
NAME = re.compile(r"`(\w+)`")


@pytest.fixture(scope="module")
def text(repo: Path) -> str:
    return (repo / "docs" / "http.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def environ(
    text: str, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The variables of the examples, with the gateway of the page behind them."""
    root = tmp_path_factory.mktemp("http")
    any_port = 'provider: "mock", serve: { port: 0 }, gateway: { port: 0 },'
    (config,) = blocks(text, "json5")
    path = root / "voicecall.json5"
    path.write_text(config.replace('provider: "mock",', any_port))
    loaded = load_config(path, registry, environ={})
    with start_blocking_portal() as portal:
        gateway = running(loaded, state_dir=root / "state", drain_seconds=0)
        with portal.wrap_async_context_manager(gateway):
            found = read_address(root / "state")
            assert found is not None
            yield {**os.environ, "VOICECALL_URL": found.url, "VOICECALL_TOKEN": found.token}


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def ran(environ: dict[str, str], *command: str) -> str:
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    return done.stdout


def test_the_printed_commands_place_a_call_and_stream_it(
    text: str, environ: dict[str, str]
) -> None:
    place, follow = blocks(text, "bash")
    first, again = (json.loads(ran(environ, "bash", "-c", place)) for _ in range(2))
    assert first == again
    assert first["summary"]["transcript"] == "bot: Which colour?\nuser: Blue."
    METHODS["voicecall.initiate"].result.model_validate_json(json.dumps(first), strict=True)
    told = ran({**environ, "CALL_ID": first["callId"]}, "bash", "-c", follow)
    events = [json.loads(line[6:]) for line in told.splitlines() if line.startswith("data: ")]
    assert (events[0]["type"], events[-1]["type"]) == ("created", "call")
    assert events[-1]["call"] == first["call"]


def test_the_printed_program_prints_what_is_printed(text: str, environ: dict[str, str]) -> None:
    (program,), (output,) = blocks(text, "python"), blocks(text, "text")
    assert ran(environ, sys.executable, "-c", program) == output


def test_the_table_of_methods_is_the_table_of_methods(text: str) -> None:
    rows = {name: (set(NAME.findall(takes)), takes) for name, takes, _ in METHOD.findall(text)}
    assert set(rows) == set(METHODS)
    for name, method in METHODS.items():
        names, takes = rows[name]
        assert names == {f.alias or n for n, f in method.params.model_fields.items()}, name
        required = {f.alias for f in method.params.model_fields.values() if f.is_required()}
        assert set(re.findall(r"`(\w+)` \(required\)", takes)) == required, name


def test_the_table_of_errors_is_that_of_the_faults(text: str) -> None:
    codes = {kind: code for _, code, kind in _KINDS}
    expected: dict[str, Any] = {}
    for kind, code in codes.items():
        fault = Fault(code=code, message="-", details={"kind": kind})
        expected[kind] = (code, str(status_of(fault)), str(CODE_OF_KIND[kind]))
    assert {kind: tuple(rest) for kind, *rest in ERROR.findall(text)} == expected


def test_every_metric_on_the_page_is_there(text: str, environ: dict[str, str]) -> None:
    ask = 'curl -sS -H "Authorization: Bearer $VOICECALL_TOKEN" "$VOICECALL_URL/metrics"'
    ran(environ, "bash", "-c", blocks(text, "bash")[0])
    page = ran(environ, "bash", "-c", ask)
    shown = set(re.findall(r"^# TYPE (\w+?)(?:_total)? ", page, re.MULTILINE))
    named = set(METRIC.findall(text))
    assert len(named) > 12
    assert named <= shown
    assert {name for name in shown - named if name.startswith("voicecall_media_")} == {
        *(f"voicecall_media_{each}" for each in ("sessions", "malformed_frames", "echoes")),
        *(f"voicecall_media_{each}" for each in ("interruptions", "resumptions")),
        *(f"voicecall_media_{each}" for each in ("recognition_restarts", "phrases_prepared")),
    }
    for counted in (
        'calls_total{direction="outbound",mode="conversation",outcome="hangup-user"}',
        'webhooks_total{result="accepted"}',
        "media_frames_out_total",
    ):
        assert re.search(rf"^voicecall_{re.escape(counted)} [1-9]", page, re.MULTILINE), counted
