"""Clients of a gateway stay light: what they import decides how fast they answer."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

HEAVY = {
    "anyio",
    "asyncio",
    "click",
    "dataclasses",
    "httpx",
    "hypercorn",
    "inspect",
    "json5",
    "numpy",
    "pluggy",
    "pydantic",
    "quart",
    "rich",
    "sqlite3",
    "unittest",
}
LIST_MODULES = (
    "import sys; from voicecall.cli.main import main; code = main(); "
    "print(*sorted(sys.modules), sep='\\n', file=sys.stderr); sys.exit(code)"
)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("status", "--json"),
        ("latency",),
        ("reload",),
        ("tail", "--no-follow"),
        ("start", "--to", "+15551230001"),
        ("end", "--call-id", "nobody"),
        ("speak", "--call-id", "nobody", "--message", "x"),
        ("continue", "--call-id", "nobody", "--message", "x"),
        ("dtmf", "--call-id", "nobody", "--digits", "1"),
    ],
)
def test_acceptance_2_a_client_loads_nothing_heavy_and_no_plugin(
    terminal: Any, arguments: tuple[str, ...]
) -> None:
    process = subprocess.run(
        [sys.executable, "-c", LIST_MODULES, *arguments],
        env=terminal.environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    loaded = {name.split(".")[0] for name in process.stderr.splitlines()}
    assert "voicecall" in loaded
    assert not loaded & HEAVY
    assert not {name for name in loaded if name.startswith("voicecall_")}
