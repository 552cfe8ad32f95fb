"""Does what the page about MCP tells a reader to copy work?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from voicecall.agent_tool import TOOL_NAME
from voicecall.mcp.resources import RECENT
from voicecall.mcp.tools import EFFECTS, METHOD_OF_TOOL

PAGE = (Path(__file__).parents[3] / "docs" / "mcp.md").read_text(encoding="utf-8")


def test_the_client_over_http_follows_a_call(
    gateway: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VOICECALL_URL", gateway.url)
    monkeypatch.setenv("VOICECALL_TOKEN", gateway.token)
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    exec(program, {})
    printed = capsys.readouterr().out
    assert "ringing\nanswered\n" in printed
    assert "hangup-user\n" in printed
    assert "Good morning" in printed


def test_the_table_tells_every_tool_its_method_and_its_hints() -> None:
    rows = dict(re.findall(r"^\| `(voice\w+)` \| (.*) \|$", PAGE, re.MULTILINE))
    assert set(rows) == {*METHOD_OF_TOOL, TOOL_NAME}
    for name, method in METHOD_OF_TOOL.items():
        effect = EFFECTS[method.name]
        hints = [
            word
            for word, holds in (
                ("read-only", effect.reads),
                ("destructive", effect.destroys),
                ("idempotent", effect.repeats),
                ("open world", effect.outside),
            )
            if holds
        ]
        assert rows[name] == f"`{method.name}` | {', '.join(hints)}"


def test_the_page_counts_the_listed_calls_right() -> None:
    assert RECENT == 50
    assert "last fifty" in re.sub(r"\s+", " ", PAGE)
