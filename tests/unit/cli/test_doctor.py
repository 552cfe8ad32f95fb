"""`doctor` and `smoke`: what is wrong is found, what can be repaired is, nothing else changes."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, date, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import anyio
import json5
import pytest

from voicecall.cli.state_check import check_state
from voicecall.errors import CarrierUnreachable
from voicecall.outside import DatedClient, check_clock
from voicecall.plugins.loader import load_plugins
from voicecall.sdk.provider import Severity
from voicecall.web.http_client import open_http_client

GATEWAY_FILE = """{
  models: { default: "anthropic/claude" }, // the agent's
  channels: { telegram: { botToken: "x" } },
  plugins: { entries: { "voice-call": { enabled: true, config: {
    provider: "log", // nothing leaves
    toNumber: "+15550002222",
    streaming: { enabled: false, sttProvider: "openai-realtime" },
  } } } },
}
"""


def subjects(ran: Any, severity: str) -> list[str]:
    return [each["subject"] for each in ran.document["findings"] if each["severity"] == severity]


def test_doctor_repairs_an_old_gateway_file_and_open_state_and_is_then_content(
    bare_terminal: Any, tmp_path: Path
) -> None:
    path = tmp_path / "openclaw.json"
    path.write_text(GATEWAY_FILE)
    bare_terminal.state_dir.mkdir(mode=0o755)
    bare_terminal.state_dir.chmod(0o755)
    command = ("doctor", "--json", "--config", str(path))

    sick = bare_terminal.inside(*command)
    assert (sick.code, sick.document["ok"]) == (3, False)
    assert subjects(sick, "error") == ["state directory"]
    assert "2 old keys" in sick.out
    assert path.read_text() == GATEWAY_FILE

    assert bare_terminal.inside(*command, "--fix").code == 0
    text = path.read_text()
    assert (tmp_path / "openclaw.json.bak").read_text() == GATEWAY_FILE
    assert text.splitlines()[:4] == GATEWAY_FILE.splitlines()[:4]
    assert '"mock", // nothing leaves' in text
    before, after = json5.loads(GATEWAY_FILE), json5.loads(text)
    section = after["plugins"]["entries"]["voice-call"].pop("config")
    before["plugins"]["entries"]["voice-call"].pop("config")
    assert before == after
    assert section["streaming"] == {"enabled": False, "provider": "openai"}
    assert bare_terminal.state_dir.stat().st_mode & 0o777 == 0o700

    well = bare_terminal.inside(*command, "--fix")
    assert (well.code, well.document["ok"]) == (0, True)
    assert {each["severity"] for each in well.document["findings"]} == {"ok"}
    assert (path.read_text(), len(list(tmp_path.glob("openclaw.json*")))) == (text, 2)


def test_a_file_that_cannot_be_used_is_a_finding_for_each_mistake(
    bare_terminal: Any, tmp_path: Path
) -> None:
    path = tmp_path / "voicecall.json5"
    path.write_text("{ serve: { prot: 1 },\n inboundPolicy: 'ajar' }")
    ran = bare_terminal.inside("doctor", "--json", "--config", str(path))
    assert ran.code == 3
    assert set(subjects(ran, "error")) == {"serve.prot", "inboundPolicy"}


def test_a_public_url_where_nobody_answers_is_found(bare_terminal: Any, tmp_path: Path) -> None:
    path = tmp_path / "voicecall.json5"
    path.write_text('{ publicUrl: "http://127.0.0.1:9/voice/webhook" }')
    ran = bare_terminal.inside("doctor", "--json", "--config", str(path))
    assert (ran.code, subjects(ran, "error")) == (7, ["public URL"])
    assert "nobody answers at http://127.0.0.1:9" in ran.out
    ready = bare_terminal.inside("setup", "--json", "--config", str(path))
    assert (ready.code, subjects(ready, "warning")) == (0, ["public URL"])


def test_smoke_without_any_configuration_checks_and_calls_nobody(bare_terminal: Any) -> None:
    ran = bare_terminal.inside("smoke", "--json")
    assert (ran.code, ran.document["ok"]) == (0, True)
    assert "call" not in ran.document
    assert not (bare_terminal.state_dir / "calls.db").exists()


def test_smoke_that_shall_call_wants_to_know_whom(bare_terminal: Any) -> None:
    ran = bare_terminal.inside("smoke", "--yes")
    assert (ran.code, ran.err) == (
        2,
        "voicecall: whom to call? give --to NUMBER, or set toNumber in the configuration\n",
    )


def test_smoke_calls_through_a_gateway_elsewhere(terminal: Any) -> None:
    ran = terminal.inside("smoke", "--yes", "--json", "-t", "+15551230001")
    assert (ran.code, ran.document["ok"]) == (0, True)
    assert ran.document["call"]["endReason"] == "hangup-user"
    assert terminal.inside("smoke", "--yes", "-t", "+15551230002").code == 8


@pytest.mark.parametrize("name", ["gateway.token", "gateway.json"])
def test_a_secret_that_others_can_read_is_an_error_until_it_is_repaired(
    tmp_path: Path, name: str
) -> None:
    tmp_path.chmod(0o700)
    secret = tmp_path / name
    secret.write_text("x")
    secret.chmod(0o644)
    (finding,) = check_state(tmp_path, fix=False)
    assert (finding.severity, f"chmod 600 {secret}" in str(finding.remedy)) == ("error", True)
    assert check_state(tmp_path, fix=True)[0].severity is Severity.OK
    assert secret.stat().st_mode & 0o777 == 0o600


def test_a_state_directory_behind_a_link_is_refused_and_left_alone(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(real)
    (finding,) = check_state(tmp_path / "link", fix=True)
    assert finding.severity is Severity.ERROR
    assert check_state(tmp_path / "nowhere", fix=True)[0].severity is Severity.OK


def answer(status: int, seconds_off: float = 0.0) -> bytes:
    """An HTTP answer whose clock is off."""
    when = format_datetime(datetime.fromtimestamp(time.time() + seconds_off, UTC), usegmt=True)
    return f"HTTP/1.1 {status} X\r\nDate: {when}\r\nContent-Length: 0\r\n\r\n".encode()


async def skews(url: str) -> list[Any]:
    async with open_http_client() as inner:
        http = DatedClient(inner)
        with suppress(CarrierUnreachable):
            await http.request("GET", url)
        return check_clock(http.skews)


def test_a_clock_that_is_wrong_is_told(stranger: Any) -> None:
    with stranger(answer(200, -120)) as url:
        (clock,) = anyio.run(skews, url)
    assert clock.severity is Severity.ERROR
    assert "s ahead of that of 127.0.0.1" in clock.message
    with stranger(answer(200)) as url:
        assert [each.severity for each in anyio.run(skews, url)] == ["ok"]
    assert anyio.run(skews, "http://127.0.0.1:9") == []


def test_announced_ends_of_models_are_findings_of_their_plugins() -> None:
    registry = load_plugins({})
    for kind, model in (("tts", "gpt-4o-mini-tts"), ("stt", "whisper-1")):
        spec = registry.get(kind, "openai")
        config = spec.config.model_validate({"apiKey": "k", "model": model})
        (finding,) = spec.findings(config, date(2026, 11, 1))
        assert (finding.severity, "ends on 2027" in finding.message) == ("warning", True)
