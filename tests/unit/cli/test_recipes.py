"""Do the recipes of the manual work as they stand there?"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jinja2
import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "recipes.md"
TALKS, BUSY, REFUSED = "+15551230001", "+15551230002", "+15551230006"


def blocks(language: str) -> list[str]:
    """The code blocks of the page."""
    found = re.compile(rf"^```{language}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return found.findall(PAGE.read_text(encoding="utf-8"))


def block(language: str, word: str) -> str:
    """The one that has `word` in it."""
    (found,) = (text for text in blocks(language) if word in text)
    return found


@pytest.fixture
def shell(terminal: Any, tmp_path: Path) -> Any:
    """Runs scripts where `voicecall` is the command of this repository."""
    command = tmp_path / "bin" / "voicecall"
    command.parent.mkdir()
    main = "import sys; from voicecall.cli.main import main; sys.exit(main())"
    command.write_text(f"#!{sys.executable}\n{main}\n")
    command.chmod(0o755)

    def run(script: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        path = f"{command.parent}:{terminal.environ['PATH']}"
        return subprocess.run(
            ["bash", "-c", script, "script", *arguments],
            env={**terminal.environ, **environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


@pytest.mark.parametrize(
    ("number", "code", "calls"), [(TALKS, 0, 1), (BUSY, 1, 3), (REFUSED, 6, 0)]
)
def test_the_alert_is_repeated_while_nobody_picks_up(
    shell: Any, gateway: Any, number: str, code: int, calls: int
) -> None:
    ran = shell(block("bash", "alert.sh"), "The disk is full", ON_CALL=number, RETRY_SECONDS="0")
    assert (ran.returncode, ran.stdout) == (code, ""), ran.stderr
    assert len(gateway.portal.call(gateway.service.history, 10)) == calls


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_question_of_a_program_is_answered_when_the_call_is_over(shell: Any) -> None:
    ran = shell(block("bash", "curl"))
    assert ran.returncode == 0, ran.stderr
    lines = json.loads(ran.stdout)["call"]["transcript"]
    said = [line["text"] for line in lines if line["speaker"] == "user"]
    assert said[-1].startswith("Hello")


def test_the_automation_of_home_assistant_places_the_call(gateway: Any) -> None:
    text = block("yaml", "rest_command:")
    url, payload = (re.search(rf"{key}: ['\"](.*)['\"]$", text, re.M) for key in ("url", "payload"))
    data = dict(re.findall(r"^          (to|message): \"(.*)\"$", text, re.M))
    assert url is not None and payload is not None
    body = jinja2.Environment().from_string(payload[1]).render(data)
    answer = httpx.post(
        gateway.url + urlsplit(url[1]).path,
        content=body,
        headers={"authorization": f"Bearer {gateway.token}", "content-type": "application/json"},
    )
    assert (answer.status_code, answer.json()["initiated"]) == (200, True)
    (record,) = gateway.portal.call(gateway.service.history, 10)
    assert (record.to_number, record.message) == (data["to"], data["message"])


def test_every_json_in_the_recipes_is_json() -> None:
    assert [json.loads(text) for text in blocks("json")]
